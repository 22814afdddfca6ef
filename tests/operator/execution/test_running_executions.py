"""Executions from custom resource to result, on a real API server, with the rights that the installed operator has."""

import pytest
from cluster.errors import ClusterError
from helpers.executions import WEB, create, deployment, execution, phase_is, scaling, wait_for

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

DENIED = 'executions_finished_total{action="scale_deployment",phase="denied",reason="SafetyDenied"}'
WANTS_FOUR = 'package mine\nimport rego.v1\nallow if input.current_replicas == 4\nerror_message := "not now"'


def is_true(found, kind):
    return next(one for one in found["status"]["conditions"] if one["type"] == kind)["status"] == "True"


def outcome(found):
    return found["status"]["phase"], found["status"]["reason"]


def afterwards(found):
    return found["status"]["validationResults"]["postConditionResults"]


def test_a_deployment_is_scaled_and_verified(operator, shop):
    shop.scale()

    found = shop.wait()

    status = found["status"]
    assert (*outcome(found), status["message"]) == ("succeeded", "Succeeded", "replicas 2 -> 3")
    assert is_true(found, "Succeeded")
    assert shop.replicas() == 3
    (job,) = shop.jobs()
    assert (job["metadata"]["name"], status["job"]["effect"]) == (status["job"]["name"], "applied")
    assert status["rollbackInfo"]["parameters"]["deployment"]["replicas"] == 2
    results = status["validationResults"]
    assert results["safetyPolicyPassed"]
    assert {one["conditionType"] for one in results["preConditionResults"]} >= {
        "deployment_exists",
        "cluster_capacity_available",
    }
    assert [argv[:2] for argv in shop.kubelet.performed] == [["kubectl", "patch"]]
    shop.wait(until=lambda now: not now["metadata"].get("finalizers"))
    assert shop.locks() == []
    assert shop.events() >= {"JobCreated", "Succeeded"}


def test_the_steps_come_in_their_order(operator, shop):
    shop.scale("in-order")

    shop.wait("in-order")

    mine = [entry for entry in operator.log() if entry.get("execution") == f"{shop.namespace}/in-order"]
    steps = [entry["step"] for entry in mine if entry["event"] == "step"]
    assert steps == ["access", "safety", "lock", "preconditions", "dryRun", "capture", "job", "postconditions"]


def test_a_dry_run_changes_nothing_and_says_what_would(cluster, operator, shop):
    cluster.kubectl("label", "namespace", shop.namespace, "kubernaut.io/environment=staging")
    shop.scale(dryRun=True)

    found = shop.wait()

    assert outcome(found) == ("succeeded", "DryRunSucceeded")
    assert found["status"]["message"] == "would change replicas 2 -> 3; nothing was changed"
    assert found["status"]["pinned"]["environment"] == "staging"
    assert (shop.replicas(), shop.jobs()) == (2, [])


def test_safety_denies_and_nothing_runs(operator, shop):
    before = operator.metrics().get(DENIED, 0)
    shop.scale(to=0)

    found = shop.wait()

    assert outcome(found) == ("denied", "SafetyDenied")
    assert found["status"]["validationResults"]["safetyPolicyPassed"] is False
    assert found["status"]["message"].startswith("safety.")
    assert operator.metrics()[DENIED] == before + 1
    assert (shop.replicas(), shop.jobs()) == (2, [])


def test_a_namespace_that_did_not_opt_in_is_left_alone(cluster, api, installed, operator, namespace):
    create(cluster, deployment(namespace), scaling(namespace))

    found = wait_for(api, namespace)

    assert outcome(found) == ("denied", "AccessDenied")
    assert f"patch deployments.apps/scale in namespace {namespace}" in found["status"]["message"]


def test_a_target_that_is_not_there_ends_it(operator, shop):
    shop.scale(target="nobody")

    found = shop.wait()

    assert outcome(found) == ("failed", "TargetNotFound")
    assert found["status"]["message"] == f"Deployment {shop.namespace}/nobody is not there"
    assert shop.jobs() == []


def test_an_action_that_is_not_in_the_catalogue_ends_it(cluster, operator, shop):
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": shop.namespace, "name": WEB}
    odd = execution(shop.namespace, "odd", action="scale_deploymant", targetResource=target, parameters={})
    create(cluster, odd)

    found = shop.wait("odd")

    assert outcome(found) == ("failed", "InvalidParameters")
    assert "did you mean scale_deployment?" in found["status"]["message"]


def test_a_name_that_looks_like_something_else_is_no_name(operator, shop):
    for number, name in enumerate(("--all", "web; rm -rf /", "web/../../secrets", "$(id)")):
        hostile = scaling(shop.namespace, f"hostile-{number}")
        hostile["spec"]["parameters"]["deployment"]["name"] = name
        create(shop.cluster, hostile)

        found = shop.wait(f"hostile-{number}")

        assert outcome(found) == ("failed", "InvalidParameters")
        assert "is no name" in found["status"]["message"]
    assert shop.jobs() == []


def test_nobody_names_another_account_or_image(cluster, installed, namespace):
    for field in ("serviceAccountName", "image", "command"):
        with pytest.raises(ClusterError, match=f'unknown field "{field}"'):
            create(cluster, scaling(namespace, **{field: "mine"}))


def test_conditions_that_cannot_be_used_are_named(operator, shop):
    shop.scale(preConditions=[{"type": "mine", "rego": "package mine\nallow if"}])

    found = shop.wait()

    assert outcome(found) == ("failed", "InvalidConditions")
    assert "preConditions[0].rego:2" in found["status"]["message"]
    assert shop.jobs() == []


@pytest.mark.slow
def test_an_enforced_precondition_blocks_until_it_holds(cluster, operator, shop):
    shop.scale(to=5, preConditions=[{"type": "mine", "rego": WANTS_FOUR}])

    found = shop.wait(until=phase_is("blocked"))

    assert found["status"]["message"] == "mine: not now"
    assert is_true(found, "Stalled")
    cluster.kubectl("scale", "deployment", WEB, f"--namespace={shop.namespace}", "--replicas=4")
    assert outcome(shop.wait(limit_s=90)) == ("succeeded", "Succeeded")
    assert shop.replicas() == 5
    assert shop.events() >= {"Blocked", "Unblocked"}


def test_of_two_executions_on_one_target_one_waits(operator, shop):
    shop.kubelet.paused.set()
    shop.scale("first", to=3)
    shop.wait("first", until=phase_is("running"))
    shop.scale("second", to=4)

    found = shop.wait("second", until=phase_is("blocked"))

    assert found["status"]["reason"] == "TargetLocked"
    assert f"{shop.namespace}/first" in found["status"]["message"]
    assert len(shop.jobs()) == 1
    shop.kubelet.paused.clear()
    first, second = shop.wait("first"), shop.wait("second")
    assert (outcome(first), outcome(second)) == (("succeeded", "Succeeded"), ("succeeded", "Succeeded"))
    # So soon after one another they are two tries at one incident.
    assert second["status"]["incidentId"] == first["status"]["incidentId"] == first["metadata"]["uid"]
    assert (len(shop.jobs()), shop.replicas()) == (2, 4)
    looked_at = shop.wait("first", until=lambda now: all("verdict" in one for one in afterwards(now)))
    # What the second one did to their target says nothing of the first.
    assert {one["reason"] for one in afterwards(looked_at)} == {"ObservationEnded"}


def test_one_that_is_deleted_before_it_acts_leaves_nothing(cluster, operator, shop):
    shop.scale(preConditions=[{"type": "mine", "rego": WANTS_FOUR}])
    shop.wait(until=phase_is("blocked"))

    cluster.kubectl("delete", "kex", "scale-web", f"--namespace={shop.namespace}", "--timeout=30s")

    assert (shop.jobs(), shop.locks()) == ([], [])


def test_it_ends_when_it_is_asked_to(operator):
    assert operator.ask("/healthz")[0] == 200

    assert operator.stop() == 0
    assert operator.log()[-1]["event"] == "ended"
