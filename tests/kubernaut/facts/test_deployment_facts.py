import pytest
from helpers.kube_objects import deployment, hpa
from helpers.looking import WEB, look, why

from kubernaut.facts.baseline import Baseline
from kubernaut.facts.snapshot import UnobservedReason

CONDITIONS = {"Available": True, "Progressing": True, "ReplicaFailure": False}


def status(**changes):
    healthy = deployment()["status"]
    return {**healthy, **changes}


def test_a_healthy_deployment():
    facts = look(deployment(replicas=3)).facts

    assert facts["deployment_found"] is True
    assert (facts["deployment_name"], facts["namespace"]) == ("web", "shop")
    assert (facts["current_replicas"], facts["target_replicas"], facts["additional_replicas"]) == (3, 5, 2)
    assert facts["conditions"] == CONDITIONS
    assert facts["observed_generation_current"] is True
    assert facts["rollout_in_progress"] is False
    assert facts["progress_deadline_exceeded"] is False


def test_not_there_is_a_value():
    snapshot = look(deployment(name="another"))

    assert snapshot.facts["deployment_found"] is False
    for name in (
        "current_replicas",
        "conditions",
        "pods",
        "running_pods",
        "updated_pods",
        "required_cpu_per_pod",
        "schedulable_replicas",
        "quota_replicas",
        "image_pull_secrets_exist",
        "image_pull_secrets_valid",
        "matching_nodes",
        "additional_replicas",
        "expected_baseline",
        "rollout_in_progress",
    ):
        assert name in snapshot.facts, name
        assert snapshot.facts[name] is None, name


def test_could_not_look_is_none():
    snapshot = look(unavailable=["Deployment"])

    assert why(snapshot, "deployment_found") == (UnobservedReason.FORBIDDEN, "may not list")
    assert "deployment_found" not in snapshot.facts
    assert "conditions" in snapshot.unobserved


def test_left_out_replicas_are_one():
    assert look(deployment(replicas=None)).facts["current_replicas"] == 1


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], {"Available": False, "Progressing": False, "ReplicaFailure": False}),
        (None, {"Available": False, "Progressing": False, "ReplicaFailure": False}),
        (
            [
                {"type": "Available", "status": "Unknown"},
                {"type": "ReplicaFailure", "status": "True"},
                {"type": "Mine", "status": "True"},
            ],
            {"Available": False, "Progressing": False, "ReplicaFailure": True},
        ),
    ],
)
def test_conditions_left_out_are_false(conditions, expected):
    assert look(deployment(status=status(conditions=conditions))).facts["conditions"] == expected


def test_stuck_rollout():
    stuck = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    facts = look(deployment(status=status(conditions=stuck, updatedReplicas=1))).facts

    assert facts["progress_deadline_exceeded"] is True
    assert facts["rollout_in_progress"] is True


@pytest.mark.parametrize(
    ("changes", "in_progress"),
    [
        ({}, False),
        ({"updatedReplicas": 2}, True),
        ({"replicas": 4}, True),
        ({"availableReplicas": 2}, True),
        ({"observedGeneration": 1}, True),
        ({"observedGeneration": None}, True),
    ],
)
def test_rollout_in_progress(changes, in_progress):
    assert look(deployment(status=status(**changes))).facts["rollout_in_progress"] is in_progress


def test_generation_not_yet_observed():
    assert look(deployment(status=status(observedGeneration=1))).facts["observed_generation_current"] is False


def test_a_manifest_is_no_look_at_the_cluster():
    manifest = deployment()
    del manifest["status"]

    snapshot = look(manifest)

    assert snapshot.facts["current_replicas"] == 3
    assert why(snapshot, "conditions") == (
        UnobservedReason.UNREADABLE,
        "Deployment shop/web: status is missing: a manifest, no object of a cluster",
    )


def test_an_unreadable_field_costs_only_its_facts():
    broken = deployment(status=status(conditions="Available"))

    snapshot = look(broken)

    assert why(snapshot, "conditions") == (
        UnobservedReason.UNREADABLE,
        "Deployment shop/web: status.conditions is text, not a list",
    )
    assert snapshot.facts["current_replicas"] == 3
    assert snapshot.facts["rollout_in_progress"] is False


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"deployment": {"replicas": 7}}, 7),
        ({"deployment": {"name": "web"}, "replicas": 4}, 4),
        ({"deployment": {"replicas": 0}}, 0),
    ],
)
def test_target_replicas(parameters, expected):
    assert look(deployment(), parameters=parameters).facts["target_replicas"] == expected


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({}, UnobservedReason.NOT_PROVIDED),
        ({"deployment": {"replicas": "5"}}, UnobservedReason.UNREADABLE),
        ({"deployment": {"replicas": True}}, UnobservedReason.UNREADABLE),
        ({"deployment": {"replicas": -1}}, UnobservedReason.UNREADABLE),
        ({"deployment": 3}, UnobservedReason.UNREADABLE),
    ],
)
def test_target_replicas_that_nobody_said(parameters, reason):
    snapshot = look(deployment(), parameters=parameters)

    for name in ("target_replicas", "additional_replicas", "schedulable_replicas"):
        assert why(snapshot, name)[0] is reason, name


def test_scaling_down_adds_none():
    assert look(deployment(replicas=9), replicas=2).facts["additional_replicas"] == 0


def test_expected_baseline_is_what_the_author_said_then_what_the_run_saw():
    web = deployment(replicas=3)
    said = {"deployment": {"replicas": 5}, "expectedReplicas": 2}

    assert look(web, parameters=said).facts["expected_baseline"] == 2
    assert look(web, parameters=said, baseline=Baseline(replicas=4)).facts["expected_baseline"] == 2
    assert look(web, baseline=Baseline(replicas=4)).facts["expected_baseline"] == 4
    assert look(web).facts["expected_baseline"] == 3


def test_parameters_are_handed_through():
    assert look(deployment(), parameters={"deployment": {"replicas": 1}}).facts["parameters"] == {
        "deployment": {"replicas": 1}
    }


def test_the_autoscaler_of_the_target():
    facts = look(deployment(), hpa(minimum=2, maximum=9), hpa(name="other", target="db")).facts

    assert (facts["hpa_found"], facts["hpa_min_replicas"], facts["hpa_max_replicas"]) == (True, 2, 9)


def test_no_autoscaler_is_a_value():
    facts = look(deployment(), hpa(target="db")).facts

    assert (facts["hpa_found"], facts["hpa_min_replicas"], facts["hpa_max_replicas"]) == (False, None, None)


def test_two_autoscalers_bound_from_both_sides():
    facts = look(hpa(name="a", minimum=None, maximum=5), hpa(name="b", minimum=3, maximum=9)).facts

    assert (facts["hpa_min_replicas"], facts["hpa_max_replicas"]) == (3, 5)


def test_an_autoscaler_without_maximum_is_unreadable():
    snapshot = look(hpa(maximum=None))

    assert snapshot.facts["hpa_found"] is True
    assert why(snapshot, "hpa_max_replicas") == (
        UnobservedReason.UNREADABLE,
        "HorizontalPodAutoscaler shop/web: spec.maxReplicas is missing",
    )


def test_prometheus_is_not_asked_here():
    assert why(look(), "cpu_throttling_ratio") == (
        UnobservedReason.NOT_PROVIDED,
        "no Prometheus was asked for it",
    )


def test_the_target_of_another_uid_is_not_ours():
    from kubernaut.facts.objects import Target

    pinned = Target(namespace=WEB.namespace, name=WEB.name, uid="older")

    assert look(deployment(), target=pinned).facts["deployment_found"] is False
