"""What others do around an action, and what the cluster shows of the rarer faults."""

import pytest
from helpers.worlds import ACT_S, ONSET_S, facts_of, life_of, quiet_scenario
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.eyes import Eyes
from kubernaut_simulator.worlds.fleet import make_fleet
from kubernaut_simulator.worlds.generate import START
from kubernaut_simulator.worlds.meanwhile import answer_action
from kubernaut_simulator.worlds.objects import WorldObjects
from kubernaut_simulator.worlds.pod_life import Behaviour
from kubernaut_simulator.worlds.scenario import load_scenario
from kubernaut_simulator.worlds.traffic import incidents


def with_shares(**shares):
    made = quiet_scenario()
    return made.model_copy(update={"disturbances": made.disturbances.model_copy(update=shares)})


def the_number_of(made, wanted):
    return next(number for number, deployment in enumerate(make_fleet(made, 1)) if wanted(deployment))


def test_an_autoscaler_undoes_part_of_what_the_action_did():
    made = with_shares(autoscaler_fights=1.0)
    life = life_of(Cause.LOAD_SPIKE, number=the_number_of(made, lambda d: d.autoscaled), made=made)
    life.scale(ACT_S, life.wanted)
    answer_action(life, ACT_S, number=1)
    facts = facts_of(life, ACT_S + 60)

    assert life.baseline <= facts["current_replicas"] < life.wanted
    assert life.replicas(ACT_S + 0.9) == life.wanted
    assert life.replicas(ACT_S + 16) < life.wanted
    assert "autoscaler_fights" in life.disturbed


def test_a_deployment_without_autoscaler_has_none_that_fights():
    made = with_shares(autoscaler_fights=1.0)
    life = life_of(Cause.LOAD_SPIKE, number=the_number_of(made, lambda d: not d.autoscaled), made=made)
    life.scale(ACT_S, life.wanted)
    answer_action(life, ACT_S, number=1)

    assert life.replicas(ACT_S + 500) == life.wanted


def test_a_person_edits_within_two_minutes():
    life = life_of(Cause.LOAD_SPIKE, made=with_shares(edited_meanwhile=1.0))
    life.scale(ACT_S, life.wanted)
    answer_action(life, ACT_S, number=1)

    assert facts_of(life, ACT_S + 121)["current_replicas"] != life.wanted
    assert life.disturbed == ("edited_meanwhile",)


def test_in_a_quiet_scenario_nobody_answers():
    life = life_of(Cause.LOAD_SPIKE)
    life.scale(ACT_S, life.wanted)
    answer_action(life, ACT_S, number=1)

    assert len(life.asked) == 2
    assert life.disturbed == ()


@pytest.mark.parametrize("number", [0, 7, 20])
def test_others_take_the_room_before_the_action(number):
    life = life_of(Cause.LOAD_SPIKE, number=number, made=with_shares(capacity_moves=1.0))
    additional = life.wanted - life.baseline
    before = facts_of(life, ONSET_S + 1)
    life.scale(ACT_S, life.wanted)
    after = facts_of(life, ACT_S + 1.5)

    assert life.shortage
    assert before["schedulable_replicas"] == additional
    assert after["unschedulable_pods"] >= 1
    assert "capacity_moves" in life.disturbed


@pytest.mark.parametrize("number", [0, 7, 20])
def test_others_leave_where_there_was_no_room(number):
    made = with_shares(capacity_moves=1.0)
    made = made.model_copy(update={"room": made.room.model_copy(update={"short": 5.0, "relieved": 0.0})})
    life = life_of(Cause.LOAD_SPIKE, number=number, made=made)
    additional = life.wanted - life.baseline
    before = facts_of(life, ONSET_S + 1)
    life.scale(ACT_S, life.wanted)

    assert not life.shortage
    assert before["schedulable_replicas"] < additional
    assert facts_of(life, ACT_S + 290)["ready_pods"] == life.wanted


def test_who_comes_later_finds_only_what_is_left():
    life = life_of(Cause.LOAD_SPIKE, made=with_shares(capacity_moves=1.0))
    first_s = min(node.move.at_s for node in life.nodes if node.move) - 1
    life.scale(first_s, life.wanted)
    nodes = [node for node in life.nodes if node.move]
    life.scale(ACT_S, life.wanted)

    assert nodes
    assert all(node.free_cpu_m >= 0 for node in nodes)
    assert facts_of(life, ACT_S + 290)["ready_pods"] == life.wanted


def test_a_failing_probe_keeps_old_and_new_pods_unready():
    life = life_of(Cause.FAILING_READINESS)
    life.scale(ACT_S, life.wanted)
    facts = facts_of(life, ACT_S + 290)

    assert facts["ready_pods"] == life.baseline // 2
    assert {pod["status"] for pod in facts["pods"]} == {"Running"}
    assert not life.helped(ACT_S + 290)


def test_one_new_pod_may_stay_unready_and_is_not_needed():
    life = life_of(Cause.LOAD_SPIKE, made=with_shares(unready_pod=1.0))
    life.scale(ACT_S, life.wanted)

    assert facts_of(life, ACT_S + 290)["ready_pods"] == life.wanted - 1
    assert life.helped(ACT_S + 290)


def test_a_pull_that_failed_once_succeeds_later():
    life = life_of(Cause.LOAD_SPIKE, made=with_shares(pull_retried=1.0))
    life.scale(ACT_S, life.wanted)
    seen = {pod["status"] for at_s in range(1, 40) for pod in facts_of(life, ACT_S + at_s)["pods"]}

    assert Behaviour.PULL_RETRIED in life.benign
    assert {"ErrImagePull", "ImagePullBackOff"} <= seen
    assert facts_of(life, ACT_S + 290)["ready_pods"] == life.wanted


@pytest.mark.parametrize("readable", [True, False])
def test_a_missing_pull_secret_shows_in_events_if_they_may_be_read(readable):
    made = quiet_scenario()
    teams = [team.model_copy(update={"events_readable": readable, "pull_secrets": 1.0}) for team in made.teams]
    made = made.model_copy(update={"teams": teams})
    lives = [life_of(Cause.BAD_IMAGE, number=number, made=made) for number in range(len(make_fleet(made, 1)))]
    life = next(life for life in lives if life.secret_missing)
    eyes = Eyes(life, WorldObjects(life, START), start=START, key="test", parameters={})
    snapshot = eyes.snapshot(eyes.look(ACT_S - 5, throttling=True), wanted=None)

    assert life.refused_image
    if readable:
        assert snapshot.facts["image_pull_secrets_exist"] is False
    else:
        assert "image_pull_secrets_exist" in snapshot.unobserved
    assert snapshot.facts["image_pull_secrets_valid"] is False


def test_incidents_know_how_many_began_before_them_and_no_more():
    made = load_scenario("capacity-crunch")
    arriving = incidents(made, make_fleet(made, 1), 1)
    found = [next(arriving) for _ in range(200)]

    for incident in found[::17]:
        before = [one for one in found if incident.onset_s - 1800 <= one.onset_s < incident.onset_s]
        assert incident.beside == len(before)
    assert max(incident.beside for incident in found) >= 20


def test_many_open_incidents_make_room_scarce():
    made = load_scenario("steady")
    made = made.model_copy(update={"room": made.room.model_copy(update={"short": 0.0, "contention": 0.05})})
    alone = [life_of(Cause.LOAD_SPIKE, number=number, made=made) for number in range(30)]
    crowded = [life_of(Cause.LOAD_SPIKE, number=number, made=made, beside=40) for number in range(30)]

    assert sum(life.shortage for life in alone) <= 1
    assert sum(life.shortage for life in crowded) >= 28


def test_a_cluster_fills_up_over_weeks():
    made = load_scenario("steady")
    made = made.model_copy(update={"room": made.room.model_copy(update={"short": 0.0, "drift_per_week": 0.25})})
    late = [life_of(Cause.LOAD_SPIKE, number=number, made=made, onset_s=ONSET_S + 28 * 86_400) for number in range(30)]

    assert sum(life.shortage for life in late) >= 25
