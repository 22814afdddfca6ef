"""What ships in the package: it loads, is complete, described, tested, and in warn mode."""

import re

import pytest
import yaml

from kubernaut.actions.catalogue import ACTIONS
from kubernaut.facts.reading import is_about, kinds_to_read
from kubernaut.facts.registry import REGISTRY, known_paths
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.policy.known_facts import known_facts_from_paths
from kubernaut.policy.testing import NamedSource, run_tests
from kubernaut.shipped import (
    shipped_libraries,
    shipped_library_tests,
    shipped_policies,
    shipped_policy,
    shipped_safety_policies,
    shipped_settings,
)

EVERY = (*shipped_policies(), *shipped_safety_policies())
KNOWN = known_facts_from_paths(known_paths())


def suite(level):
    settings = yaml.safe_load(shipped_settings(level))
    return {
        ConditionId(action, level, Phase(phase), type_): entry
        for action, phases in settings["actions"].items()
        for phase, types in phases.items()
        for type_, entry in types.items()
    }


SUITES = {
    "scale_deployment": {
        "step/pre/deployment_exists": "10s",
        "step/pre/cluster_capacity_available": "10s",
        "step/pre/current_replicas_match": "5s",
        "step/post/desired_replicas_running": "2m",
        "step/post/deployment_health_check": "2m",
        "action/pre/deployment_exists": "10s",
        "action/pre/cluster_capacity_available": "10s",
        "action/pre/image_pull_secrets_valid": "10s",
        "action/pre/node_selector_matches": "10s",
        "action/post/no_crashloop_pods": "2m",
        "action/post/resource_usage_acceptable": "2m",
        "action/post/cpu_throttling_acceptable": "5m",
    },
    "restart_pod": {
        "step/pre/pod_exists": "10s",
        "step/pre/fault_is_the_pods_own": "10s",
        "step/post/replacement_pod_ready": "3m",
        "step/post/workload_serves": "3m",
        "action/pre/pod_exists": "10s",
        "action/pre/pod_will_be_recreated": "10s",
        "action/pre/others_serve_meanwhile": "10s",
        "action/pre/no_rollout_in_progress": "10s",
        "action/post/replacement_crash_free": "3m",
    },
    "rollback_deployment": {
        "step/pre/earlier_revision_exists": "10s",
        "step/pre/rollout_precedes_incident": "10s",
        "step/post/rollback_complete": "5m",
        "step/post/deployment_healthy_again": "5m",
        "action/pre/earlier_revision_exists": "10s",
        "action/pre/earlier_revision_proved": "10s",
        "action/pre/rollouts_not_paused": "10s",
        "action/post/wanted_revision_serving": "2m",
        "action/post/no_crashes_after_rollback": "5m",
    },
}


def test_the_suites_are_those_of_the_design_with_timeouts_of_the_guide_for_its_own():
    found = {}
    for level in Level:
        for one, entry in suite(level).items():
            found.setdefault(one.action, {})[str(one).split("/", 1)[1]] = entry["timeout"]

    assert found == SUITES


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_has_a_suite_of_three_to_seven_at_each_level(action):
    for level in Level:
        assert 3 <= len([one for one in SUITES[action] if one.startswith(level.value)]) <= 7


def test_every_condition_of_the_suites_has_a_policy_and_every_policy_a_place():
    conditions = [one for level in Level for one in suite(level)]

    assert all(shipped_policy(one) is not None for one in conditions)
    assert {(one.action, one.phase, one.type) for one in conditions} == {
        (one.action, one.phase, one.type) for one in shipped_policies()
    }


def test_a_type_alone_names_one_policy():
    # A ConfigMap's key `<type>.rego` would stand in for the policies of every action that has the type.
    types = [one.type for one in shipped_policies()]

    assert len(set(types)) == len(types)


def test_a_condition_that_does_not_ship_has_no_policy():
    assert shipped_policy(ConditionId.parse("scale_deployment/step/post/deployment_exists")) is None


@pytest.mark.parametrize("level", list(Level))
def test_out_of_the_box_nothing_blocks(level):
    assert {entry["rolloutPercent"] for entry in suite(level).values()} == {0}


def test_that_nothing_bad_happened_is_watched_for_a_while():
    holds = {
        f"{one.action}/{one.type}": entry["holdFor"]
        for entry_level in Level
        for one, entry in suite(entry_level).items()
        if "holdFor" in entry
    }

    assert holds == {
        "scale_deployment/no_crashloop_pods": "20s",
        "scale_deployment/resource_usage_acceptable": "20s",
        "restart_pod/replacement_crash_free": "20s",
        "rollback_deployment/no_crashes_after_rollback": "20s",
    }


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.file)
def test_each_policy_loads_with_registered_facts_only_and_describes_itself(policy):
    compiled = compile_policy(policy.source, name=policy.file, libraries=shipped_libraries(), known_facts=KNOWN)

    assert compiled.metadata.title
    assert compiled.metadata.description
    assert compiled.has_error_message
    assert not compiled.reads_everything
    assert all(one.description and one.minimum is not None and one.maximum is not None for one in compiled.parameters)
    assert "default allow := false" in policy.source


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.file)
def test_each_policy_reads_only_what_is_told_of_its_actions_target(policy):
    compiled = compile_policy(policy.source, name=policy.file, libraries=shipped_libraries())
    kind = "Pod" if policy.action == "restart_pod" else "Deployment"
    facts = [REGISTRY[path[0]] for path in compiled.reads if path[0] in REGISTRY]

    assert facts
    assert [fact.name for fact in facts if not is_about(fact, kind)] == []
    # A list read as a whole would need every field of it, the metrics API's too.
    assert "PodMetrics" not in kinds_to_read(compiled.reads, kind).required


@pytest.mark.parametrize("policy", shipped_policies(), ids=lambda policy: policy.file)
def test_each_condition_says_when_it_is_wrong_and_what_to_prefer(policy):
    custom = compile_policy(policy.source, name=policy.file, libraries=shipped_libraries()).metadata.custom

    assert custom["wrong_when"]
    assert custom["avoid"]
    assert custom["prefer"]
    assert ("fatal" in custom) is ("default fatal" in policy.source)


def test_no_two_modules_share_a_package():
    packages = [re.search(r"^package (\S+)$", one.source, re.MULTILINE)[1] for one in EVERY]

    assert len(set(packages)) == len(packages)


def test_safety_policies_live_where_guards_look_for_them():
    assert {(one.action, one.name) for one in shipped_safety_policies()} == {
        (None, "protected_namespaces"),
        ("scale_deployment", "no_scale_to_zero"),
        ("scale_deployment", "bounded_change"),
        ("restart_pod", "disruption_budget_respected"),
    }
    assert all(
        compile_policy(one.source, name=one.file).package.startswith("safety.") for one in shipped_safety_policies()
    )


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.file)
def test_the_cases_beside_each_policy_pass(policy):
    results = run_tests(
        policy=NamedSource(name=policy.file, source=policy.source),
        tests=NamedSource(name=policy.test_file, source=policy.test_source),
        libraries=shipped_libraries(),
        evaluator=InProcessEvaluator(),
    )

    assert [result for result in results if not result.passed] == []
    assert len(results) >= 3


@pytest.mark.parametrize("library", shipped_library_tests())
def test_the_tests_beside_each_library_pass(library):
    others = {name: source for name, source in shipped_libraries().items() if name != library}

    results = run_tests(
        policy=NamedSource(name=library, source=shipped_libraries()[library]),
        tests=NamedSource(name=f"{library} tests", source=shipped_library_tests()[library]),
        libraries=others,
        evaluator=InProcessEvaluator(),
    )

    assert [result for result in results if not result.passed] == []
