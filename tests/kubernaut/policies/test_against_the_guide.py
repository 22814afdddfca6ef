"""The guide's own nine policies, unchanged, beside ours: same verdict except where we differ on purpose.

The table in golden/guide_and_ours.txt shows every case with both verdicts and, where they differ, which of the reasons
below it is. With KUBERNAUT_UPDATE_GOLDEN=1 the table is written anew.
"""

import os
from functools import cache
from pathlib import Path

import pytest

from kubernaut.facts.registry import known_paths
from kubernaut.identity import Phase
from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.policy.known_facts import known_facts_from_paths
from kubernaut.shipped import shipped_libraries, shipped_policies

HERE = Path(__file__).parent
GOLDEN = HERE / "golden" / "guide_and_ours.txt"
GUIDE = {path.stem: path.read_text(encoding="utf-8") for path in sorted((HERE / "guide").glob("*.rego"))}

OURS = {one.type: one for one in shipped_policies() if one.action == "scale_deployment"}

EVALUATOR = InProcessEvaluator()

UNREADABLE = "the guide cannot read Ki, bytes or G; facts and our library can"
PER_NODE = "a sum over all nodes is not room on one; quota counts too"
NO_PODS = "no pods at all is not a pass"
INIT = "an init container's crash loop, and restarts since the action, count too"
NOT_YET = "the controller must have seen the change, and pods be of the current template"
SCALE_DOWN = "after a scale-down the surplus must be gone"
THROTTLING = "throttling is another condition, on a Prometheus fact"
GENERATION = "conditions of the generation before say nothing of this one"
NO_ROOM_NEEDED = "scaling down needs no room"

CAPACITY = {
    "deployment_found": True,
    "additional_replicas": 2,
    "available_cpu": "4000m",
    "available_memory": "8192Mi",
    "required_cpu_per_pod": "500m",
    "required_memory_per_pod": "256Mi",
    "schedulable_replicas": 2,
    "quota_replicas": None,
}
REPLICAS = {
    "target_replicas": 5,
    "expected_baseline": 3,
    "running_pods": 5,
    "ready_pods": 5,
    "updated_pods": 5,
    "total_pods": 5,
    "observed_generation_current": True,
    "progress_deadline_exceeded": False,
}
HEALTH = {
    "conditions": {"Available": True, "Progressing": True, "ReplicaFailure": False},
    "observed_generation_current": True,
    "progress_deadline_exceeded": False,
}
POD = {"name": "web-1", "status": "Running", "restarts_since_baseline": 0, "oom_killed": False}
PODS = {"pods": [POD], "target_replicas": 1}
FOUND = {"deployment_found": True, "deployment_name": "web", "namespace": "shop"}
SECRETS = {"image_pull_secrets_exist": True, "image_pull_secrets_valid": True}

CASES = [
    ("deployment_exists", "found", FOUND, None),
    ("deployment_exists", "not found", {**FOUND, "deployment_found": False}, None),
    ("cluster_capacity_available", "room", CAPACITY, None),
    ("cluster_capacity_available", "CPU short", {**CAPACITY, "available_cpu": "999m"}, None),
    ("cluster_capacity_available", "memory short", {**CAPACITY, "available_memory": "511Mi"}, None),
    ("cluster_capacity_available", "cores without a suffix", {**CAPACITY, "available_cpu": "4"}, None),
    ("cluster_capacity_available", "memory in Ki", {**CAPACITY, "available_memory": "8388608Ki"}, UNREADABLE),
    ("cluster_capacity_available", "memory in bytes", {**CAPACITY, "required_memory_per_pod": "268435456"}, UNREADABLE),
    ("cluster_capacity_available", "memory in G", {**CAPACITY, "available_memory": "8G"}, UNREADABLE),
    ("cluster_capacity_available", "on no single node", {**CAPACITY, "schedulable_replicas": 0}, PER_NODE),
    ("cluster_capacity_available", "quota used up", {**CAPACITY, "quota_replicas": 0}, PER_NODE),
    (
        "cluster_capacity_available",
        "scaling down on a cluster without a readable sum",
        {**CAPACITY, "additional_replicas": 0, "available_memory": "0Ki"},
        NO_ROOM_NEEDED,
    ),
    ("current_replicas_match", "as planned", {"current_replicas": 3, "expected_baseline": 3}, None),
    ("current_replicas_match", "changed", {"current_replicas": 4, "expected_baseline": 3}, None),
    ("image_pull_secrets_valid", "they worked", SECRETS, None),
    ("image_pull_secrets_valid", "missing", {**SECRETS, "image_pull_secrets_exist": False}, None),
    ("image_pull_secrets_valid", "refused", {**SECRETS, "image_pull_secrets_valid": False}, None),
    ("node_selector_matches", "two match", {"matching_nodes": 2, "ready_nodes": 3}, None),
    ("node_selector_matches", "none matches", {"matching_nodes": 0, "ready_nodes": 3}, None),
    ("node_selector_matches", "none ready", {"matching_nodes": 2, "ready_nodes": 0}, None),
    ("desired_replicas_running", "all ready", REPLICAS, None),
    ("desired_replicas_running", "three of five", {**REPLICAS, "ready_pods": 3}, None),
    ("desired_replicas_running", "one stopped", {**REPLICAS, "running_pods": 4}, None),
    ("desired_replicas_running", "controller behind", {**REPLICAS, "observed_generation_current": False}, NOT_YET),
    ("desired_replicas_running", "old template", {**REPLICAS, "updated_pods": 2}, NOT_YET),
    (
        "desired_replicas_running",
        "scaled down and done",
        {**REPLICAS, "target_replicas": 2, "running_pods": 2, "ready_pods": 2, "updated_pods": 2, "total_pods": 2},
        None,
    ),
    (
        "desired_replicas_running",
        "the instant after scaling from five to two",
        {**REPLICAS, "target_replicas": 2, "expected_baseline": 5},
        SCALE_DOWN,
    ),
    ("deployment_health_check", "healthy", HEALTH, None),
    (
        "deployment_health_check",
        "not available",
        {**HEALTH, "conditions": {"Available": False, "Progressing": True, "ReplicaFailure": False}},
        None,
    ),
    (
        "deployment_health_check",
        "replica failure",
        {**HEALTH, "conditions": {"Available": True, "Progressing": True, "ReplicaFailure": True}},
        None,
    ),
    ("deployment_health_check", "controller behind", {**HEALTH, "observed_generation_current": False}, GENERATION),
    ("no_crashloop_pods", "calm", PODS, None),
    ("no_crashloop_pods", "looping", {**PODS, "pods": [{**POD, "status": "CrashLoopBackOff"}]}, None),
    ("no_crashloop_pods", "init looping", {**PODS, "pods": [{**POD, "status": "Init:CrashLoopBackOff"}]}, INIT),
    ("no_crashloop_pods", "between crashes", {**PODS, "pods": [{**POD, "restarts_since_baseline": 5}]}, INIT),
    ("no_crashloop_pods", "no pods", {**PODS, "pods": []}, NO_PODS),
    ("no_crashloop_pods", "no list", {"target_replicas": 1}, NO_PODS),
    ("resource_usage_acceptable", "well", PODS, None),
    ("resource_usage_acceptable", "OOM-killed", {**PODS, "pods": [{**POD, "oom_killed": True}]}, None),
    ("resource_usage_acceptable", "throttled", {**PODS, "pods": [{**POD, "throttled": True}]}, THROTTLING),
    ("resource_usage_acceptable", "no pods", {**PODS, "pods": []}, NO_PODS),
]


def verdict(source, name, facts):
    policy = compile_policy(source, name=name, libraries=shipped_libraries())
    settings = {one.name: one.default for one in policy.parameters}
    return EVALUATOR.evaluate(policy, RowBatch([{**facts, "settings": settings}]))[0].code.value


@cache
def compared():
    return [
        (type_, case, verdict(GUIDE[type_], f"guide/{type_}", facts), verdict(OURS[type_].source, type_, facts), why)
        for type_, case, facts, why in CASES
    ]


def test_all_nine_of_the_guide_load_unchanged_and_read_registered_facts():
    known = known_facts_from_paths(known_paths())

    compiled = {name: compile_policy(source, name=name, known_facts=known) for name, source in GUIDE.items()}

    assert len(compiled) == 9
    assert {policy.package for policy in compiled.values()} == {
        "precondition.scale_deployment",
        "postcondition.scale_deployment",
        "condition.scale_deployment",
    }


def test_ours_cover_the_guide_and_one_more():
    assert set(OURS) - set(GUIDE) == {"cpu_throttling_acceptable"}
    assert set(GUIDE) - set(OURS) == set()
    assert {type_ for type_, *_ in CASES} == set(GUIDE)


def test_verdicts_differ_exactly_where_a_reason_is_given():
    differing = [(type_, case) for type_, case, guide, ours, _ in compared() if guide != ours]

    assert differing == [(type_, case) for type_, case, _, why in CASES if why is not None]


def test_the_table_of_verdicts_is_the_golden_one():
    lines = [
        f"{type_:27} {case:50} guide {guide:7} ours {ours:7} {f'* {why}' if why else ''}".rstrip()
        for type_, case, guide, ours, why in compared()
    ]
    table = "\n".join(lines) + "\n"
    if os.environ.get("KUBERNAUT_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(table, encoding="utf-8")

    assert table == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("phase", list(Phase))
def test_each_phase_has_five(phase):
    assert len([one for one in OURS.values() if one.phase is phase]) == 5
