"""Pass, fail and error of each condition of the suite, judged from snapshots as the engine has them."""

import pytest

from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.identity import ConditionId
from kubernaut.judging import judge
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.shipped import shipped_libraries, shipped_policy
from kubernaut.verdicts import Code, Reason

POD = {
    "name": "web-1",
    "status": "Running",
    "phase": "Running",
    "ready": True,
    "restarts": 4,
    "restarts_since_baseline": 0,
    "oom_killed": False,
}
HEALTHY = {
    "deployment_found": True,
    "deployment_name": "web",
    "namespace": "shop",
    "current_replicas": 3,
    "target_replicas": 5,
    "expected_baseline": 3,
    "additional_replicas": 2,
    "available_cpu": "4000m",
    "available_memory": "8192Mi",
    "required_cpu_per_pod": "500m",
    "required_memory_per_pod": "256Mi",
    "schedulable_replicas": 2,
    "quota_replicas": None,
    "running_pods": 5,
    "ready_pods": 5,
    "updated_pods": 5,
    "total_pods": 5,
    "terminating_pods": 0,
    "observed_generation_current": True,
    "rollout_in_progress": False,
    "progress_deadline_exceeded": False,
    "conditions": {"Available": True, "Progressing": True, "ReplicaFailure": False},
    "pods": [POD],
    "image_pull_secrets_exist": True,
    "image_pull_secrets_valid": True,
    "matching_nodes": 3,
    "ready_nodes": 3,
    "cpu_throttling_ratio": 0.1,
}
TYPES = {
    "pre": (
        "deployment_exists",
        "cluster_capacity_available",
        "current_replicas_match",
        "image_pull_secrets_valid",
        "node_selector_matches",
    ),
    "post": (
        "desired_replicas_running",
        "deployment_health_check",
        "no_crashloop_pods",
        "resource_usage_acceptable",
        "cpu_throttling_acceptable",
    ),
}
CONDITIONS = [f"{phase}/{type_}" for phase, types in TYPES.items() for type_ in types]


def judged(condition, facts, unobserved=None, recorded=None):
    phase, type_ = condition.split("/")
    policy = shipped_policy(ConditionId.parse(f"scale_deployment/step/{phase}/{type_}"))
    compiled = compile_policy(policy.source, name=policy.file, libraries=shipped_libraries())
    settings = {one.name: one.default for one in compiled.parameters}
    snapshot = Snapshot(facts={**facts, "settings": settings}, unobserved=unobserved or {}, recorded=recorded)
    return judge(InProcessEvaluator(), compiled, [snapshot])[0]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_healthy_target_passes(condition):
    assert judged(condition, HEALTHY).code is Code.PASSED


@pytest.mark.parametrize(
    ("condition", "changed", "message", "fatal"),
    [
        ("pre/deployment_exists", {"deployment_found": False}, "Deployment web not found in namespace shop", False),
        ("pre/cluster_capacity_available", {"available_cpu": "900m"}, "CPU: 1000m needed, 900m free", False),
        ("pre/cluster_capacity_available", {"schedulable_replicas": 0}, "nodes: 0 of 2 more pods fit", False),
        ("pre/cluster_capacity_available", {"quota_replicas": 1}, "quota: allows 1 of 2 more pods", False),
        ("pre/current_replicas_match", {"current_replicas": 4}, "4 replicas now, 3 expected", False),
        (
            "pre/image_pull_secrets_valid",
            {"image_pull_secrets_exist": False},
            "an image pull secret that the pods name does not exist",
            False,
        ),
        ("pre/node_selector_matches", {"matching_nodes": 0}, "0 nodes match the node selector, 1 needed", False),
        ("post/desired_replicas_running", {"ready_pods": 3}, "3 of 5 pods ready", False),
        ("post/desired_replicas_running", {"updated_pods": 1}, "1 of 5 pods are of the current template", False),
        (
            "post/desired_replicas_running",
            {"ready_pods": 3, "progress_deadline_exceeded": True},
            "3 of 5 pods ready, and the progress deadline is exceeded",
            True,
        ),
        (
            "post/desired_replicas_running",
            {"target_replicas": 2, "expected_baseline": 5},
            "5 pods of 5 are left after the scale-down to 2",
            False,
        ),
        (
            "post/deployment_health_check",
            {"observed_generation_current": False},
            "the controller has not seen the change yet",
            False,
        ),
        (
            "post/deployment_health_check",
            {"conditions": {"Available": False, "Progressing": True, "ReplicaFailure": False}},
            "the Deployment is not Available",
            False,
        ),
        ("post/no_crashloop_pods", {"pods": []}, "no pods to judge, 5 wanted", False),
        (
            "post/no_crashloop_pods",
            {"pods": [{**POD, "status": "CrashLoopBackOff"}]},
            "1 of 1 pods in CrashLoopBackOff: web-1",
            False,
        ),
        (
            "post/no_crashloop_pods",
            {"pods": [POD, {**POD, "restarts_since_baseline": 3}]},
            "1 of 2 pods restarted more than 1 times since the action: web-1 (3)",
            False,
        ),
        (
            "post/resource_usage_acceptable",
            {"pods": [{**POD, "oom_killed": True}]},
            "1 of 1 pods OOM-killed since the action: web-1",
            True,
        ),
        (
            "post/cpu_throttling_acceptable",
            {"cpu_throttling_ratio": 0.5},
            "throttled in 50 % of periods, 25 % tolerated",
            False,
        ),
    ],
)
def test_failures_say_why(condition, changed, message, fatal):
    judgement = judged(condition, {**HEALTHY, **changed})

    assert judgement.code is Code.FAILED
    assert judgement.message == message
    assert judgement.fatal is fatal


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        ("pre/deployment_exists", "deployment_found"),
        ("pre/cluster_capacity_available", "available_cpu"),
        ("pre/cluster_capacity_available", "quota_replicas"),
        ("pre/current_replicas_match", "current_replicas"),
        ("pre/image_pull_secrets_valid", "image_pull_secrets_valid"),
        ("pre/node_selector_matches", "matching_nodes"),
        ("post/desired_replicas_running", "ready_pods"),
        ("post/deployment_health_check", "conditions"),
        ("post/no_crashloop_pods", "pods"),
        ("post/no_crashloop_pods", "pods[0].restarts_since_baseline"),
        ("post/resource_usage_acceptable", "pods"),
        ("post/cpu_throttling_acceptable", "cpu_throttling_ratio"),
    ],
)
def test_what_could_not_be_observed_is_an_error_never_a_verdict(condition, path):
    judgement = judged(condition, HEALTHY, {path: Unobserved(UnobservedReason.FORBIDDEN, "pods is forbidden")})

    assert judgement.code is Code.ERROR
    assert judgement.reason is Reason.FACT_UNOBSERVED


@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_was_not_recorded_is_an_error(condition):
    assert judged(condition, HEALTHY, recorded=()).reason is Reason.FACT_NOT_RECORDED


def test_usage_that_no_metrics_server_gave_is_nobodys_business_here():
    unobserved = {"pods[0].memory_usage": Unobserved(UnobservedReason.API_MISSING)}

    assert judged("post/no_crashloop_pods", HEALTHY, unobserved).code is Code.PASSED
    assert judged("post/resource_usage_acceptable", HEALTHY, unobserved).code is Code.PASSED
