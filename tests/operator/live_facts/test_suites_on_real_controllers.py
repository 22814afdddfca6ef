"""The suites of restart_pod and rollback_deployment while Kubernetes' own controllers do what the actions ask for.

Kubernetes decides here what a revision is called, which pod takes another's place and what a budget allows; the facts have
to agree with it, before the action and after.
"""

import json
from datetime import UTC, datetime

import pytest
from helpers.simulated_workloads import deploy, simulated_pod_spec, wait_for
from kubernaut_operator.live_facts.question import Question
from kubernaut_simulator.cli.loading import compile_with_facts, shipped_conditions

from kubernaut.actions.catalogue import checked_parameters
from kubernaut.conditions.inputs import RunContext
from kubernaut.facts.objects import Target
from kubernaut.identity import Phase
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.safety import judge_safety, safety_set
from kubernaut.suite import check_suite
from kubernaut.verdicts import Attempt

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster, pytest.mark.slow]

EVALUATOR = InProcessEvaluator()


@pytest.fixture(scope="module")
def conditions():
    return shipped_conditions()


class Run:
    """One run of an action on a target, as far as its facts go."""

    def __init__(self, reader, conditions, action, target, **parameters):
        part = target.kind[0].lower() + target.kind[1:]
        given = {part: {"name": target.name, "namespace": target.namespace}, **parameters}
        self.action, self.target, self.conditions = action, target, conditions
        self.parameters = checked_parameters(action, given).as_input
        self._reader = reader
        self._before = None

    def remember(self):
        self._before = self._reader.take_baseline(self.target)
        self._ended = datetime.now(UTC)

    def facts(self):
        ended = None if self._before is None else self._ended
        question = Question(
            target=self.target, parameters=self.parameters, baseline=self._before, action_ended_at=ended
        )
        return self._reader.read(question).snapshot

    def wrong(self, phase):
        """Give what does not pass now, by type, with its message."""
        checked = check_suite(
            self.facts(),
            action=self.action,
            parameters=self.parameters,
            conditions=self.conditions,
            namespace=self.target.namespace,
            evaluator=EVALUATOR,
            compile_=compile_with_facts,
        )
        judged = [one for one in checked if one.condition.id.phase is phase]
        assert len(judged) >= 3
        return {one.condition.id.type: one.judgement.message for one in judged if one.attempt is not Attempt.PASSED}

    def denied(self):
        safety = safety_set(None, compile_=compile_with_facts)
        context = RunContext(step=1, incident="i")
        found = judge_safety(
            EVALUATOR, safety, self.facts(), action=self.action, context=context, parameters=self.parameters
        )
        return [one.key for one in found]


def roll_out(cluster, namespace, image):
    cluster.kubectl("set", "image", "-n", namespace, "deployment/web", f"main={image}")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=120s")


def pods(cluster, namespace):
    found = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    return sorted(one["metadata"]["name"] for one in found if "deletionTimestamp" not in one["metadata"])


def test_rolled_back_by_kubernetes_itself(cluster, namespace, simulated_node, reader, conditions):
    web = deploy(cluster, namespace)
    roll_out(cluster, namespace, "registry.invalid/none:2")
    run = Run(reader, conditions, "rollback_deployment", web)

    # Nothing is wrong but that the revision before is seconds old and has no pod.
    assert set(run.wrong(Phase.PRE)) == {"earlier_revision_proved"}
    assert run.denied() == []
    facts = run.facts().facts
    assert (facts["current_revision"], facts["wanted_revision"], facts["wanted_revision_images_differ"]) == (2, 1, True)

    run.remember()
    assert run.wrong(Phase.POST) == {
        "wanted_revision_serving": "the Deployment does not have the template of revision 1"
    }
    cluster.kubectl("rollout", "undo", "-n", namespace, "deployment/web")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=120s")
    wait_for(lambda: not run.wrong(Phase.POST))

    facts = run.facts().facts
    assert (facts["current_revision"], facts["wanted_revision"]) == (3, 1)
    assert [one["revision"] for one in facts["revisions"]] == [2, 3]

    # Forward again by number: revision 2 becomes 4, and revision 1, now 3, was taken up again meanwhile.
    again = Run(reader, conditions, "rollback_deployment", web, toRevision=2)
    told = again.facts()
    assert told.facts["wanted_revision_exists"] is True
    assert "took an older ReplicaSet up again" in told.unobserved["rollout_before_incident_s"].detail
    again.remember()
    cluster.kubectl("rollout", "undo", "-n", namespace, "deployment/web", "--to-revision=2")
    wait_for(lambda: not again.wrong(Phase.POST))
    assert again.facts().facts["current_revision"] == 4
    third = Run(reader, conditions, "rollback_deployment", web).facts().facts
    assert (third["wanted_revision"], third["wanted_revision_served_s"] < 600) == (3, True)


def test_a_pod_that_its_controller_replaces(cluster, namespace, simulated_node, reader, conditions):
    deploy(cluster, namespace, replicas=3)
    cluster.kubectl("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=2", "-n", namespace)
    sick, *others = pods(cluster, namespace)
    run = Run(reader, conditions, "restart_pod", Target(kind="Pod", namespace=namespace, name=sick))
    wait_for(lambda: run.facts().facts.get("disruptions_allowed") == 1)

    assert run.wrong(Phase.PRE) == {}
    assert run.denied() == []

    run.remember()
    assert "is still there" in run.wrong(Phase.POST)["replacement_pod_ready"]
    cluster.kubectl("delete", "pod", sick, "-n", namespace)
    wait_for(lambda: not run.wrong(Phase.POST))

    facts = run.facts().facts
    (new,) = facts["replacement_pods"]
    assert sorted([new["name"], *others]) == pods(cluster, namespace)
    assert (facts["pod_found"], facts["ready_peer_pods"], facts["workload_name"]) == (False, 3, "web")


def test_a_budget_that_lets_no_pod_go(cluster, namespace, simulated_node, reader, conditions):
    deploy(cluster, namespace)
    cluster.kubectl("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=2", "-n", namespace)
    run = Run(
        reader, conditions, "restart_pod", Target(kind="Pod", namespace=namespace, name=pods(cluster, namespace)[0])
    )

    wait_for(lambda: run.facts().facts.get("disruptions_allowed") == 0)
    assert run.denied() == ["restart_pod.disruption_budget_respected"]


def test_a_stateful_sets_pod(cluster, namespace, simulated_node, reader, conditions):
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": namespace},
        "spec": {
            "serviceName": "db",
            "replicas": 2,
            "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": simulated_pod_spec()},
        },
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    cluster.kubectl("rollout", "status", "-n", namespace, "statefulset/db", "--timeout=120s")
    run = Run(reader, conditions, "restart_pod", Target(kind="Pod", namespace=namespace, name="db-0"))

    assert run.wrong(Phase.PRE) == {}
    run.remember()
    cluster.kubectl("delete", "pod", "db-0", "-n", namespace)
    wait_for(lambda: not run.wrong(Phase.POST))

    facts = run.facts().facts
    assert [one["name"] for one in facts["replacement_pods"]] == ["db-0"]
    assert (facts["pod_found"], facts["workload_kind"]) == (False, "StatefulSet")


def test_a_pod_that_was_taken_out_of_its_replica_set(cluster, namespace, simulated_node, reader, conditions):
    deploy(cluster, namespace)
    (name, _) = pods(cluster, namespace)
    # Orphaned, a pod belongs to nobody: what its ReplicaSet makes instead is none of its own.
    cluster.kubectl("label", "pod", name, "-n", namespace, "app-")
    run = Run(reader, conditions, "restart_pod", Target(kind="Pod", namespace=namespace, name=name))

    wait_for(lambda: run.facts().facts["workload_kind"] is None)
    assert run.wrong(Phase.PRE)["pod_will_be_recreated"].startswith("nothing controls Pod")
