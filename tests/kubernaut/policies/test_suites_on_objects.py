"""The suites of restart_pod and rollback_deployment on Kubernetes objects: from what a cluster shows to every verdict."""

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from helpers.kube_objects import (
    bare_pod,
    budget,
    container,
    container_status,
    deployment,
    pod,
    pod_template,
    replica_set,
    terminated,
    waiting,
)
from helpers.looking import FORBIDDEN, WEB

from kubernaut.actions.catalogue import checked_parameters
from kubernaut.conditions.compiled_set import compile_set
from kubernaut.conditions.condition_set import shipped_set
from kubernaut.conditions.defaults import shipped_defaults
from kubernaut.conditions.inputs import RunContext
from kubernaut.facts.extract import extract, take_baseline
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.identity import Level
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.safety import judge_safety, safety_set
from kubernaut.suite import check_suite
from kubernaut.verdicts import Attempt, Reason

EVALUATOR = InProcessEvaluator()
NOW = datetime(2024, 1, 1, 1, 0, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
SICK = Target(kind="Pod", namespace="shop", name="web-0")


@cache
def conditions():
    return {level: compile_set(shipped_set(level, shipped_defaults()), compile_policy) for level in Level}


def snapshot(action, target, objects, *, before=None, unavailable=(), **parameters):
    part = target.kind[0].lower() + target.kind[1:]
    given = {part: {"name": target.name, "namespace": target.namespace}, **parameters}
    baseline = None if before is None else take_baseline(ObjectSet.from_objects(before), target)
    return extract(
        ObjectSet.from_objects(objects),
        target,
        checked_parameters(action, given).as_input,
        now=NOW,
        baseline=baseline,
        unavailable=dict.fromkeys(unavailable, FORBIDDEN),
    )


def judged(action, target, objects, *, phase=None, **more):
    seen = snapshot(action, target, objects, **more)
    checked = check_suite(
        seen,
        action=action,
        parameters=seen.facts["parameters"],
        conditions=conditions(),
        namespace="shop",
        evaluator=EVALUATOR,
        compile_=compile_policy,
    )
    return {
        f"{one.condition.id.level.value}/{one.condition.id.phase.value}/{one.condition.id.type}": one
        for one in checked
        if phase in (None, one.condition.id.phase.value)
    }


def wrong(action, target, objects, *, phase, **more):
    """Give what did not pass, by condition, with its message."""
    found = judged(action, target, objects, phase=phase, **more)
    return {name: one.judgement.message for name, one in found.items() if one.attempt is not Attempt.PASSED}


def denials(action, target, objects, **more):
    seen = snapshot(action, target, objects, **more)
    safety = safety_set(None, compile_=compile_policy)
    context = RunContext(step=1, incident="i")
    found = judge_safety(EVALUATOR, safety, seen, action=action, context=context, parameters=seen.facts["parameters"])
    return [one.key for one in found]


def made(**changed):
    sets = replica_set(revision="2")
    sets["spec"]["replicas"] = 3
    return [deployment(), sets, pod("web-0", **changed), pod("web-1"), pod("web-2"), budget()]


LOOPING = {
    "ready": False,
    "statuses": [container_status(ready=False, restarts=7, state=waiting("CrashLoopBackOff"))],
}
DONE = [*made()[:2], pod("web-1"), pod("web-2"), pod("web-3"), budget()]


def restart(objects, *, phase="pre", **more):
    return wrong("restart_pod", SICK, objects, phase=phase, **more)


def test_a_crashing_pod_beside_healthy_ones_may_be_restarted():
    assert restart(made(**LOOPING)) == {}
    assert denials("restart_pod", SICK, made(**LOOPING)) == []


def test_a_restart_that_worked():
    assert restart(DONE, phase="post", before=made(**LOOPING)) == {}
    # The old one may still be ending.
    ending = [*DONE, pod("web-0", ready=False, terminating=True)]
    assert restart(ending, phase="post", before=made(**LOOPING)) == {}


def test_a_pod_that_is_not_there():
    assert restart(DONE)["action/pre/pod_exists"] == "Pod web-0 not found in namespace shop"
    found = judged("restart_pod", SICK, DONE, phase="pre")
    assert found["action/pre/others_serve_meanwhile"].judgement.reason is Reason.FACT_UNOBSERVED
    assert denials("restart_pod", SICK, DONE) == ["restart_pod.disruption_budget_respected"]


def test_a_pod_that_nothing_would_make_anew():
    alone = [bare_pod("web-0", node="n", namespace="shop"), budget(selector={"matchLabels": {"app": "web"}})]

    assert restart(alone)["action/pre/pod_will_be_recreated"].startswith("nothing controls Pod web-0")


def test_a_pod_whose_fault_is_its_templates():
    pulling = {
        "ready": False,
        "statuses": [container_status(ready=False, image_id="", state=waiting("ImagePullBackOff"))],
    }

    assert restart(made(**pulling)) == {
        "step/pre/fault_is_the_pods_own": "Pod web-0 waits with ImagePullBackOff, and so would a new one"
    }
    all_sick = [*made(**LOOPING)[:3], pod("web-1", **LOOPING), pod("web-2", **LOOPING), budget(allowed=0, healthy=0)]
    assert restart(all_sick) == {
        "step/pre/fault_is_the_pods_own": "only 0 of 2 other pods are ready: the fault is not this pod's alone"
    }


def test_the_only_pod_that_serves():
    objects = [*made()[:3], pod("web-1", ready=False), pod("web-2", ready=False), budget(allowed=0, healthy=1)]

    assert restart(objects) == {
        "step/pre/fault_is_the_pods_own": "only 0 of 2 other pods are ready: the fault is not this pod's alone",
        "action/pre/others_serve_meanwhile": "0 other pods are ready, 1 needed while this one restarts",
    }
    assert denials("restart_pod", SICK, objects) == ["restart_pod.disruption_budget_respected"]


def test_a_budget_stops_a_ready_pod_only():
    assert denials("restart_pod", SICK, [*made()[:-1], budget(allowed=0)]) == [
        "restart_pod.disruption_budget_respected"
    ]
    assert denials("restart_pod", SICK, [*made(**LOOPING)[:-1], budget(allowed=0, healthy=2)]) == []
    assert denials("restart_pod", SICK, made()[:-1]) == []
    assert denials("restart_pod", SICK, made(), unavailable=["PodDisruptionBudget"]) == [
        "restart_pod.disruption_budget_respected"
    ]


def test_a_rollout_is_waited_for():
    old = replica_set(template_hash="0ld", uid="rs-0", template=pod_template(hostname="old"), revision="1")

    assert restart([*made(**LOOPING), old, pod("web-9", owner=old)]) == {
        "action/pre/no_rollout_in_progress": "a rollout is in progress: 3 of 4 pods are of the current template"
    }


def test_a_restart_that_cured_nothing():
    again = [*DONE[:4], pod("web-3", ready=False, statuses=[container_status(ready=False, restarts=2)])]
    found = judged("restart_pod", SICK, again, phase="post", before=made(**LOOPING))

    # Restarts do not become fewer by waiting.
    assert {name: one.attempt for name, one in found.items()} == {
        "action/post/replacement_crash_free": Attempt.FAILED,
        "step/post/replacement_pod_ready": Attempt.NOT_YET,
        "step/post/workload_serves": Attempt.NOT_YET,
    }
    crash = found["action/post/replacement_crash_free"].judgement
    assert (crash.message, crash.fatal) == ("restarted more than 1 times: web-3 (2)", True)
    assert found["step/post/replacement_pod_ready"].judgement.message == "not ready yet: web-3 (Running)"
    assert found["step/post/workload_serves"].judgement.message == "2 of 3 pods ready"


def test_a_replacement_that_was_killed_for_want_of_memory():
    killed = [*DONE[:4], pod("web-3", statuses=[container_status(restarts=1, last=terminated("OOMKilled", code=137))])]
    (crash,) = restart(killed, phase="post", before=made(**LOOPING)).values()

    assert crash == "OOM-killed after the restart: web-3"


def test_a_stateful_sets_pod_comes_back_under_its_name():
    sets = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web", "uid": "s-1", "labels": {}}}
    before = [pod("web-0", owner=sets, **LOOPING), pod("web-1", owner=sets), budget(selector={})]
    again = pod("web-0", owner=sets)
    again["metadata"]["uid"] = "uid-again"

    assert restart(before) == {}
    assert restart([again, pod("web-1", owner=sets)], phase="post", before=before) == {}
    assert restart(before, phase="post", before=before)["step/post/replacement_pod_ready"] == (
        "Pod web-0 is still there, and nobody is deleting it"
    )


def version(number):
    return pod_template(containers=[{**container(), "image": f"shop/web:{number}"}])


def kept(number, revision, *, minute=0, available=0, history=""):
    sets = replica_set(template_hash=f"v{number}", uid=f"rs-{number}", template=version(number), revision=f"{revision}")
    sets["metadata"]["creationTimestamp"] = (START + timedelta(minutes=minute)).isoformat()
    if available:
        sets["status"]["availableReplicas"] = available
    if history:
        sets["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] = history
    return sets


def rolled(number, sets, *, of, ready=True, **more):
    owner = next(one for one in sets if one["metadata"]["name"] == f"web-v{of}")
    pods = [pod(f"web-v{of}-{n}", owner=owner, ready=ready) for n in range(3)]
    return [deployment(template=version(number), **more), *sets, *pods]


BAD = rolled(2, [kept(1, 1), kept(2, 2, minute=50)], of=2, ready=False)
BACK = rolled(1, [kept(1, 3, available=3, history="1"), kept(2, 2, minute=50)], of=1)


def back(objects, *, phase="pre", **more):
    return wrong("rollback_deployment", WEB, objects, phase=phase, **more)


def test_a_bad_rollout_may_be_rolled_back():
    assert back(BAD) == {}
    assert denials("rollback_deployment", WEB, BAD) == []


def test_a_rollback_that_worked():
    assert back(BACK, phase="post", before=BAD) == {}


def test_nothing_has_happened_yet():
    found = back(BAD, phase="post", before=BAD)

    assert found["action/post/wanted_revision_serving"] == "the Deployment does not have the template of revision 1"
    assert found["step/post/rollback_complete"] == "0 of 3 pods ready"


def test_a_rollback_half_way():
    sets = [kept(1, 3, available=1, history="1"), kept(2, 2, minute=50)]
    objects = [*rolled(1, sets, of=2, ready=False), pod("web-v1-0", owner=sets[0])]

    assert back(objects, phase="post", before=BAD) == {
        "step/post/rollback_complete": "1 of 3 pods are of the current template",
    }


def test_no_earlier_revision():
    first = rolled(1, [kept(1, 1, minute=50)], of=1)

    assert back(first) == {
        "step/pre/earlier_revision_exists": "there is no earlier revision to go back to",
        "action/pre/earlier_revision_exists": "there is no earlier revision to go back to",
        "action/pre/earlier_revision_proved": "there is no earlier revision to be judged",
    }
    assert back(first, toRevision=7)["action/pre/earlier_revision_exists"] == "revision 7 is not kept"
    assert back(BAD, toRevision=2)["action/pre/earlier_revision_exists"] == "revision 2 is in force already"


def test_an_earlier_revision_that_proved_nothing():
    quick = [kept(1, 1, minute=49), kept(2, 2, minute=50)]

    assert back(rolled(2, quick, of=2, ready=False)) == {
        "action/pre/earlier_revision_proved": (
            "revision 1 stood for 60 s only, 600 s needed, and none of its pods is available"
        )
    }
    serving = [kept(1, 1, minute=49, available=1), kept(2, 2, minute=50)]
    assert back(rolled(2, serving, of=2, ready=False)) == {}


def test_an_old_rollout_explains_nothing():
    old = [kept(1, 1, minute=-4000), kept(2, 2, minute=-3000)]

    assert back(rolled(2, old, of=2)) == {
        "step/pre/rollout_precedes_incident": (
            "the last rollout began 183600 s before the incident; up to 86400 s it is taken for the cause"
        )
    }


def test_a_paused_deployment():
    paused = rolled(2, [kept(1, 1), kept(2, 2, minute=50)], of=2)
    paused[0]["spec"]["paused"] = True

    assert list(back(paused)) == ["action/pre/rollouts_not_paused"]


def test_a_stuck_rollback_is_fatal():
    stuck = {
        "observedGeneration": 2,
        "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}],
    }
    sets = [kept(1, 3, history="1"), kept(2, 2, minute=50)]
    found = judged(
        "rollback_deployment", WEB, rolled(1, sets, of=1, ready=False, status=stuck), phase="post", before=BAD
    )

    for name in ("step/post/rollback_complete", "step/post/deployment_healthy_again"):
        assert found[name].judgement.fatal, name
        assert "progress deadline" in found[name].judgement.message


@pytest.mark.parametrize(
    ("action", "target", "kind", "errors"),
    [
        (
            "restart_pod",
            SICK,
            "Pod",
            {"pod_exists", "fault_is_the_pods_own", "pod_will_be_recreated", "others_serve_meanwhile"}
            | {"no_rollout_in_progress", "replacement_pod_ready", "replacement_crash_free", "workload_serves"},
        ),
        ("restart_pod", SICK, "ReplicaSet", {"pod_will_be_recreated"}),
        ("restart_pod", SICK, "Deployment", {"no_rollout_in_progress", "workload_serves"}),
        (
            "rollback_deployment",
            WEB,
            "ReplicaSet",
            {"earlier_revision_exists", "earlier_revision_proved", "rollout_precedes_incident"}
            | {"wanted_revision_serving"},
        ),
    ],
)
def test_what_could_not_be_read_is_an_error_never_a_verdict(action, target, kind, errors):
    objects, before = (DONE, made(**LOOPING)) if action == "restart_pod" else (BACK, BAD)
    for phase, seen in (("pre", before), ("post", objects)):
        found = judged(
            action,
            target,
            seen,
            phase=phase,
            unavailable=[kind],
            before=before if phase == "post" else None,
        )
        for name, one in found.items():
            unread = name.rpartition("/")[2] in errors
            assert (one.judgement.reason is Reason.FACT_UNOBSERVED) is unread, name
