"""`scale_deployment` by the installed operator: real Jobs, real pods, and what each condition says of them."""

import json
from datetime import datetime

import pytest
from helpers.real_workloads import CRASH, CRASH_LATER, RealShop, results

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

SUITE = {
    "pre": {"deployment_exists", "cluster_capacity_available", "image_pull_secrets_valid", "node_selector_matches"},
    "post": {"no_crashloop_pods", "resource_usage_acceptable", "cpu_throttling_acceptable"},
}


def test_a_deployment_is_scaled_by_a_job_and_verified(shop):
    shop.in_environment("enforced")
    shop.deploy()

    status = shop.follow(shop.scale(3))

    assert (status["phase"], status["reason"], status["message"]) == ("succeeded", "Succeeded", "replicas 1 -> 3")
    assert shop.replicas() == 3
    assert status["job"]["effect"] == "applied"
    found = {phase: results(status, phase) for phase in SUITE}
    assert {phase: set(found[phase]) for phase in found} == SUITE
    assert {found["post"][name]["verdict"] for name in ("no_crashloop_pods", "resource_usage_acceptable")} == {"Passed"}
    assert {one["verdict"] for one in found["pre"].values()} == {"Passed"}
    undo = status["rollbackInfo"]
    assert (undo["reversible"], undo["parameters"]["deployment"]["replicas"]) == (True, 1)


def test_the_order_is_safety_preconditions_dry_run_job_postconditions(shop):
    shop.in_environment("enforced")
    shop.deploy()

    status = shop.follow(shop.scale(2))

    judged = status["validationResults"]
    assert (judged["safetyPolicyPassed"], judged["dryRunSucceeded"]) == (True, True)
    job = shop.job_of(status)
    created = datetime.fromisoformat(job["metadata"]["creationTimestamp"])
    before = [datetime.fromisoformat(one["evaluationTime"]) for one in judged["preConditionResults"]]
    after = [datetime.fromisoformat(one["evaluationTime"]) for one in judged["postConditionResults"]]
    finished = datetime.fromisoformat(job["status"]["completionTime"])
    captured = datetime.fromisoformat(status["rollbackInfo"]["capturedAt"])
    # The API server writes whole seconds.
    assert max(before) <= captured
    assert captured.replace(microsecond=0) <= created <= finished <= min(after)
    assert [reason for reason, _ in shop.events("scale")][:1] == ["JobCreated"]


def test_the_job_is_what_the_admission_policy_wants_and_ran_as_its_account(shop):
    shop.deploy()

    status = shop.follow(shop.scale(2))

    spec = shop.job_of(status)["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "kubernaut-scale-deployment"
    assert spec["containers"][0]["command"][:2] == ["kubectl", "patch"]
    changed_by = [entry["manager"] for entry in managed_fields(shop) if entry.get("subresource") == "scale"]
    assert changed_by == ["kubernaut"]


def managed_fields(shop):
    text = shop.cluster.kubectl("get", "deployment/web", "-n", shop.namespace, "--show-managed-fields", "-o", "json")
    return json.loads(text)["metadata"]["managedFields"]


def test_too_little_capacity_blocks_with_what_is_missing(shop):
    shop.in_environment("enforced")
    shop.deploy(replicas=1, cpu="700m")

    status = shop.follow(shop.scale(6), until=lambda status: status.get("phase") == "blocked")

    assert status["reason"] == "PreconditionFailed"
    assert "cluster_capacity_available: CPU: 3500m needed" in status["message"]
    assert not status.get("job")
    assert "dryRunSucceeded" not in status["validationResults"], "the dry run comes after the preconditions"
    assert shop.replicas() == 1


def test_a_shortage_in_warn_mode_is_told_and_stops_nothing(shop):
    shop.deploy(replicas=1, cpu="700m")

    status = shop.follow(shop.scale(6))

    assert status["phase"] == "succeeded"
    capacity = results(status, "pre")["cluster_capacity_available"]
    assert (capacity["verdict"], capacity["enforced"]) == ("Failed", False)
    assert shop.replicas() == 6


@pytest.fixture(scope="module")
def crashes(open_shop, make_namespace):
    """Three Deployments scaled at once, whose new pods crash: two where that is watched, one where it only warns."""
    shops = {name: open_shop(make_namespace(f"crashes-{name}")) for name in ("watching", "warning")}
    for environment, shop in shops.items():
        shop.in_environment(environment)
    watching, warning = shops.values()
    for shop, names in ((watching, ("now", "later")), (warning, ("warned",))):
        for name in names:
            shop.deploy(name)
    good = {name: shop.pods(name)[0]["metadata"]["name"] for shop, name in ((watching, "now"), (warning, "warned"))}
    watching.do(CRASH)
    watching.scale(2, name="now", target="now")
    watching.wait(
        lambda: (
            len(watching.pods("now")) == 2 and all("containerStatuses" in pod["status"] for pod in watching.pods("now"))
        )
    )
    watching.do(CRASH_LATER)
    watching.scale(2, name="later", target="later")
    warning.do(CRASH)
    warning.scale(2, name="warned", target="warned")
    return watching, warning, good


def test_new_pods_that_crash_fail_the_postcondition_by_name(crashes):
    shop, _, good = crashes

    status = shop.follow("now", limit_s=90)

    assert (status["phase"], status["reason"]) == ("failed", "PostconditionFailed")
    verdict = results(status, "post")["no_crashloop_pods"]
    assert (verdict["verdict"], verdict["enforced"]) == ("Failed", True)
    (bad,) = {pod["metadata"]["name"] for pod in shop.pods("now")} - {good["now"]}
    assert bad in verdict["errorMessage"]
    assert good["now"] not in verdict["errorMessage"]
    assert "no_crashloop_pods" in status["message"]
    assert status["job"]["effect"] == "applied"


def test_a_crash_after_a_while_breaks_the_hold(crashes):
    shop, _, _ = crashes

    status = shop.follow("later", limit_s=90)

    assert status["reason"] == "PostconditionFailed"
    assert "no_crashloop_pods" in status["message"]


def test_what_is_not_required_only_warns(crashes):
    _, shop, _ = crashes

    status = shop.follow("warned", limit_s=90)
    assert status["phase"] == "succeeded"

    judged = shop.follow(
        "warned", until=lambda status: "verdict" in results(status, "post").get("no_crashloop_pods", {}), limit_s=90
    )
    verdict = results(judged, "post")["no_crashloop_pods"]
    assert (verdict["verdict"], verdict["required"], verdict["enforced"]) == ("Failed", False, False)
    assert judged["phase"] == "succeeded"


def test_a_dry_run_changes_nothing(shop):
    shop.deploy()
    before = shop.get("deployment", "web")["metadata"]

    status = shop.follow(shop.scale(3, dryRun=True))

    assert (status["phase"], status["reason"]) == ("succeeded", "DryRunSucceeded")
    assert status["validationResults"]["dryRunMessage"] == "replicas 1 -> 3"
    assert not status.get("job")
    after = shop.get("deployment", "web")["metadata"]
    assert (after["generation"], after["uid"]) == (before["generation"], before["uid"])
    assert shop.replicas() == 1


def test_a_namespace_that_did_not_opt_in_is_refused_before_anything_runs(operator, namespace):
    closed = RealShop(operator.cluster, namespace)
    closed.deploy()

    status = closed.follow(closed.scale(2))

    assert (status["phase"], status["reason"]) == ("denied", "AccessDenied")
    assert "the account kubernaut-scale-deployment may not get deployments.apps/scale" in status["message"]
    assert namespace in status["message"]
    assert closed.replicas() == 1


def test_scaling_to_nothing_is_denied_by_a_safety_policy(shop):
    shop.deploy()

    status = shop.follow(shop.scale(0))

    assert (status["phase"], status["reason"]) == ("denied", "SafetyDenied")
    assert status["validationResults"]["safetyPolicyPassed"] is False
    assert {one["attempts"] for one in results(status, "pre").values()} == {0}, "safety comes before the preconditions"
    assert "dryRunSucceeded" not in status["validationResults"]
    assert shop.replicas() == 1
