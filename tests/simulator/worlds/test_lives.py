"""Pods, nodes and the target: what each cause shows, through Kubernetes objects and the real extraction."""

from datetime import timedelta
from itertools import pairwise

import pytest
from helpers.worlds import ACT_S, ONSET_S, facts_of, life_of, quiet_scenario
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.eyes import Eyes
from kubernaut_simulator.worlds.fleet import make_fleet
from kubernaut_simulator.worlds.generate import START
from kubernaut_simulator.worlds.nodes import fill, make_nodes
from kubernaut_simulator.worlds.objects import WorldObjects
from kubernaut_simulator.worlds.pod_life import Behaviour, PodLife, live_on_node
from kubernaut_simulator.worlds.scenario import load_scenario
from kubernaut_simulator.worlds.streams import Stream

from kubernaut.errors import InputError


@pytest.mark.parametrize("number", range(0, 39, 5))
def test_a_load_spike_is_ended_by_ready_replicas(number):
    life = life_of(Cause.LOAD_SPIKE, number=number)
    before = facts_of(life, ACT_S - 5)
    life.scale(ACT_S, life.wanted)
    after = facts_of(life, ACT_S + 290)

    assert before["current_replicas"] == life.baseline == before["ready_pods"]
    assert before["schedulable_replicas"] == life.wanted - life.baseline
    assert not life.helped(ACT_S)
    assert after["ready_pods"] == life.wanted
    assert after["conditions"] == {"Available": True, "Progressing": True, "ReplicaFailure": False}
    assert life.helped(ACT_S + 290)


def test_without_room_pods_wait_and_facts_say_so():
    life = life_of(Cause.LOAD_SPIKE, made=quiet_scenario(short=5.0, relieved=0.0))
    before = facts_of(life, ACT_S - 5)
    life.scale(ACT_S, life.wanted)
    after = facts_of(life, ACT_S + 200)

    assert life.shortage
    assert before["schedulable_replicas"] < before["additional_replicas"]
    assert after["unschedulable_pods"] == before["additional_replicas"] - before["schedulable_replicas"]


def test_relief_brings_a_node_and_the_pods_get_ready():
    life = life_of(Cause.LOAD_SPIKE, made=quiet_scenario(short=5.0, relieved=1.0))
    nodes = facts_of(life, ACT_S - 5)["ready_nodes"]
    life.scale(ACT_S, life.wanted)
    after = facts_of(life, ACT_S + (life.relief_s or 0) + 300)

    assert after["ready_nodes"] == nodes + 1
    assert after["ready_pods"] == life.wanted


def test_a_quota_refuses_pods():
    life = life_of(Cause.QUOTA)
    before = facts_of(life, ACT_S - 5)
    life.scale(ACT_S, life.wanted)
    after = facts_of(life, ACT_S + 250)

    assert before["quota_replicas"] < before["additional_replicas"]
    assert after["total_pods"] == life.baseline + before["quota_replicas"]
    assert after["conditions"]["ReplicaFailure"] is True


def test_a_selector_that_no_node_meets():
    life = life_of(Cause.NODE_SELECTOR)
    life.scale(ACT_S, life.wanted)
    facts = facts_of(life, ACT_S + 60)

    assert facts["matching_nodes"] == 0
    assert facts["unschedulable_pods"] == life.wanted - life.baseline


@pytest.mark.parametrize(
    ("cause", "status"),
    [(Cause.CRASH_AT_START, "CrashLoopBackOff"), (Cause.CRASH_LATER, "CrashLoopBackOff")],
)
def test_crashes_show_as_crash_loops(cause, status):
    life = life_of(cause)
    life.scale(ACT_S, life.wanted)
    seen = {pod["status"] for at_s in range(30, 300, 10) for pod in facts_of(life, ACT_S + at_s)["pods"]}

    assert status in seen
    assert not life.helped(ACT_S + 300)


def test_memory_kills_show_since_the_baseline():
    life = life_of(Cause.OUT_OF_MEMORY, number=2)
    life.spread = False
    life.scale(ACT_S, life.wanted)

    assert any(pod["oom_killed"] for pod in facts_of(life, ACT_S + 280)["pods"])


def test_a_bad_image_is_a_rollout_that_gets_stuck():
    life = life_of(Cause.BAD_IMAGE)
    life.scale(ACT_S, life.wanted)
    facts = facts_of(life, ACT_S + 60)
    late = facts_of(life, ONSET_S + 700)

    assert {pod["status"] for pod in facts["pods"]} & {"ErrImagePull", "ImagePullBackOff"}
    assert facts["updated_pods"] < life.wanted
    assert late["progress_deadline_exceeded"] is True


def test_a_lost_node_takes_pods_until_they_are_evicted():
    life = life_of(Cause.NODE_LOSS)
    soon = facts_of(life, ONSET_S + 30)
    late = facts_of(life, ONSET_S + 400)

    assert soon["ready_pods"] < life.baseline
    assert late["total_pods"] == life.baseline
    assert late["terminating_pods"] >= 1


def test_harm_makes_the_others_unready():
    life = life_of(Cause.HARMED_DEPENDENCY)
    life.scale(ACT_S, life.wanted)

    assert facts_of(life, ACT_S + 280)["ready_pods"] < life.wanted
    assert not life.helped(ACT_S + 280)


def test_a_deployment_that_is_gone():
    facts = facts_of(life_of(Cause.DEPLOYMENT_GONE), ACT_S)

    assert facts["deployment_found"] is False
    assert facts["pods"] is None


def test_others_change_replicas_before_the_run():
    life = life_of(Cause.REPLICAS_CHANGED)

    assert facts_of(life, ACT_S - 5)["current_replicas"] != life.baseline


def test_scaling_down_lets_pods_terminate():
    life = life_of(Cause.LOAD_SPIKE)
    life.scale(ACT_S, 1)

    assert facts_of(life, ACT_S + 3, replicas=1)["terminating_pods"] == life.baseline - 1
    assert facts_of(life, ACT_S + 60, replicas=1)["total_pods"] == 1


def test_the_crash_back_off_is_the_kubelets():
    pod = PodLife(name="a", uid="a", created_s=0, revision=1)
    timing = load_scenario("steady").timing
    live_on_node(
        pod, node="n", at_s=0, behaviour=Behaviour.CRASHES_AT_START, timing=timing, pace=1, stream=Stream(1, "p")
    )
    waits = [
        round(end_s - begin_s, 3)
        for (begin_s, end_s), state in zip(pairwise(pod.times_s), pod.states, strict=False)
        if state.waiting == "CrashLoopBackOff"
    ]

    assert waits[:7] == [10, 20, 40, 80, 160, 300, 300]


def test_a_pool_that_is_too_small_is_said():
    made = quiet_scenario()
    deployment = make_fleet(made, 1)[0]

    with pytest.raises(InputError, match="is too small for 5000 more pods"):
        fill(make_nodes(made, 1), deployment, room_for=5000, exactly=False, at_s=0, stream=Stream(1, "small"))


def test_facts_only_change_where_something_can_be_seen_to_change():
    life = life_of(Cause.CRASH_LATER)
    life.scale(ACT_S, life.wanted)
    eyes = Eyes(life, WorldObjects(life, START), start=START, key="test", parameters={"replicas": life.wanted})
    changes = [at_s for at_s in life.changes() if ACT_S < at_s < ACT_S + 200]
    wanted = frozenset({"pods", "ready_pods", "conditions"})
    for before_s, after_s in pairwise(changes):
        inside = [before_s + (after_s - before_s) * share for share in (0.01, 0.99)]
        fresh = []
        for at_s in inside:
            new = Eyes(life, WorldObjects(life, START), start=START, key="test", parameters={"replicas": life.wanted})
            fresh.append(new.snapshot(new.look(at_s, throttling=True), wanted=wanted).facts)
        cached = [eyes.snapshot(eyes.look(at_s, throttling=True), wanted=wanted).facts for at_s in inside]

        assert fresh[0] == fresh[1] == cached[0] == cached[1]


def test_the_start_is_a_monday_midnight():
    assert (START.weekday(), START - START.replace(hour=0, minute=0)) == (0, timedelta(0))
