"""What people do in the middle of a run: to its Job, its target, its namespace, its rights, to itself."""

import json

import pytest
from helpers.executions import create, deployment, phase_is, scaling, wait_for
from kubernaut_operator.settings import ACTIONS_NAMESPACE

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

SCALED = {
    "type": "scaled",
    "timeout": "3s",
    "rego": "package mine\nimport rego.v1\nallow if input.current_replicas == 3",
}
WITHOUT_FINALIZERS = json.dumps({"metadata": {"finalizers": None}})


def outcome(found):
    return found["status"]["phase"], found["status"]["reason"]


@pytest.fixture
def running(operator, shop):
    """Start executions, and stop where each has a Job that does nothing yet."""
    shop.kubelet.paused.set()

    def run(*targets, **spec):
        shop.kubelet.paused.clear()
        shop.deploy(*targets)
        shop.kubelet.paused.set()
        shop.scale(*targets, **spec)
        return {target: shop.wait(target, until=has_job)["status"]["job"]["name"] for target in targets}

    return run


class OperatorsRights:
    """The binding by which the operator may act in the actions' namespace."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._binding = ("rolebinding", "kubernaut-operator", f"--namespace={ACTIONS_NAMESPACE}")
        self._kept = json.loads(cluster.kubectl("get", *self._binding, "--output=json"))
        self._kept["metadata"] = {name: self._kept["metadata"][name] for name in ("name", "namespace", "labels")}

    def take(self):
        self._cluster.kubectl("delete", *self._binding)

    def give_back(self):
        self._cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(self._kept))


@pytest.fixture
def rights(cluster, installed):
    rights = OperatorsRights(cluster)
    yield rights
    rights.give_back()


def is_tried_again(found):
    return found.get("status", {}).get("message", "").startswith("trying again: ")


def has_job(found):
    return found.get("status", {}).get("job", {}).get("uid")


def left_alone(shop, *targets):
    return all(len(shop.jobs(target)) <= 1 for target in targets) and not shop.locks()


def jobs_made(proxy, shop, target):
    return [
        one
        for one in proxy.changes
        if one.method == "POST" and one.path.endswith("/jobs") and shop.whose(one) == target
    ]


def test_a_job_is_deleted(proxy, shop, running):
    jobs = running("held", "unseen", postConditions=[SCALED])
    in_actions = f"--namespace={ACTIONS_NAMESPACE}"
    for job in jobs.values():
        # One that is deleted before it has a pod never gets one.
        pod = ("pod", f"--selector=batch.kubernetes.io/job-name={job}")
        shop.cluster.kubectl("wait", "--for=create", *pod, in_actions, "--timeout=30s")
    shop.cluster.kubectl("delete", "job", in_actions, "--wait=false", *jobs.values())
    shop.cluster.kubectl("patch", "job", in_actions, jobs["unseen"], "--type=merge", "-p", WITHOUT_FINALIZERS)
    unseen = shop.cleaned("unseen")
    shop.kubelet.paused.clear()

    # Our finalizer holds it until its end was recorded, and its pod does its work.
    assert outcome(shop.cleaned("held")) == ("succeeded", "Succeeded")
    assert shop.replicas("held") == 3
    assert shop.jobs("held") == []
    assert outcome(unseen) == ("failed", "PostconditionFailed")
    assert "deleted" in unseen["status"]["job"]["message"]
    assert shop.replicas("unseen") == 2
    assert [len(jobs_made(proxy, shop, target)) for target in jobs] == [1, 1]


def test_a_target_is_deleted_and_another_made_under_its_name(cluster, api, shop, running):
    running("replaced", "gone")
    create(cluster, scaling(shop.namespace, "waits", target="replaced", to=4))
    wait_for(api, shop.namespace, "waits", until=phase_is("blocked"))
    for target in ("replaced", "gone"):
        cluster.kubectl("delete", "deployment", target, f"--namespace={shop.namespace}")
    create(cluster, deployment(shop.namespace, name="replaced"))
    shop.kubelet.paused.clear()

    for target in ("replaced", "gone"):
        assert outcome(shop.cleaned(target)) == ("failed", "ActionRefused")
    waited = wait_for(api, shop.namespace, "waits")
    assert outcome(waited) == ("failed", "TargetReplaced")
    assert shop.replicas("replaced") == 2
    assert left_alone(shop, "replaced", "gone")


def test_an_execution_is_deleted_while_it_runs(proxy, shop, running):
    jobs = running("deleted")
    shop.delete("kex", "scale-deleted", "--grace-period=0")

    shop.cluster.kubectl("wait", "--for=delete", "kex/scale-deleted", f"--namespace={shop.namespace}", "--timeout=60s")

    shop.cluster.kubectl(
        "wait", "--for=delete", f"job/{jobs['deleted']}", f"--namespace={ACTIONS_NAMESPACE}", "--timeout=60s"
    )
    assert (shop.locks(), shop.replicas("deleted")) == ([], 2)


def test_a_namespace_goes_while_it_runs(shop, running):
    jobs = running("going")
    shop.cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    shop.cluster.kubectl("wait", "--for=delete", f"namespace/{shop.namespace}", "--timeout=90s")

    shop.cluster.kubectl(
        "wait", "--for=delete", f"job/{jobs['going']}", f"--namespace={ACTIONS_NAMESPACE}", "--timeout=60s"
    )
    assert shop.locks() == []
    # The fixture deletes it once more.
    create(shop.cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": shop.namespace}})


def test_an_actions_rights_are_taken_away(shop, running):
    running("without-rights")
    shop.delete("rolebinding", "kubernaut-scale-deployment")
    shop.kubelet.paused.clear()

    found = shop.cleaned("without-rights")

    assert outcome(found) == ("failed", "ActionRefused")
    assert "cannot get resource" in found["status"]["message"]
    assert shop.replicas("without-rights") == 2
    assert left_alone(shop, "without-rights")


def test_the_operators_rights_are_taken_away_and_given_back(shop, running, rights):
    running("running")
    rights.take()
    shop.kubelet.paused.clear()
    result = shop.wait("running")
    shop.deploy("begun")
    shop.scale("begun")
    waiting = shop.wait("begun", until=is_tried_again, limit_s=30)
    locked = shop.locks()
    rights.give_back()

    assert outcome(result) == ("succeeded", "Succeeded")
    assert result["metadata"]["finalizers"] == ["kubernaut.io/cleanup"]
    assert locked
    assert "cannot create resource" in waiting["status"]["message"]
    for target in ("running", "begun"):
        assert outcome(shop.cleaned(target)) == ("succeeded", "Succeeded")
        assert shop.replicas(target) == 3
    assert left_alone(shop, "running", "begun")
