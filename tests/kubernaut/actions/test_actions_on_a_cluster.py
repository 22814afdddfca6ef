"""Each action against a real API server: it changes what it says, only what it saw, with no more rights than it names."""

import json
import time
from dataclasses import replace

import pytest
from cluster.errors import ClusterError
from kubernaut_operator.kernel.api import connect

from kubernaut.actions.catalogue import ACTIONS, action_definition, checked_parameters
from kubernaut.actions.change import Verb
from kubernaut.actions.command_line import command_line
from kubernaut.actions.kubectl_words import explain_refusal, what_kubectl_said
from kubernaut.errors import ApiError, InputError
from kubernaut.facts.objects import ObjectSet

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

REVISION = "deployment.kubernetes.io/revision"

ODD = (
    'a "quoted" – note\n$(rm -rf /) \t\\ <<: *a #! \x7f\x85\x9f\u2028\u2029\ufeff\uffff\U0001f600 %{{x}} ' + "y" * 2000
)
"""Text of which no shell, template or reader of YAML may make anything else."""


class Place:
    """A namespace with one account an action, each with exactly the rights that its action names."""

    def __init__(self, cluster, namespace, folder):
        self.cluster, self.namespace, self.folder = cluster, namespace, folder
        self.api = connect(str(cluster.layout.kubeconfig))
        for definition in ACTIONS.values():
            self.allow(definition, definition.rules)

    def allow(self, definition, rules):
        self.apply(*rights(definition, rules, self.namespace))

    def account(self, action):
        return f"system:serviceaccount:{self.namespace}:{action_definition(action).account}"

    def revision(self):
        return self.read("deployment", "web")["metadata"]["annotations"].get(REVISION)

    def template_of(self, revision):
        sets = self.read("replicasets")["items"]
        (template,) = [one["spec"]["template"] for one in sets if one["metadata"]["annotations"][REVISION] == revision]
        del template["metadata"]["labels"]["pod-template-hash"]
        return template

    def pod_names(self):
        return {one["metadata"]["name"] for one in self.read("pods")["items"]}

    def apply(self, *manifests):
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(listed))

    def read(self, *words):
        return json.loads(
            self.cluster.kubectl("get", "-n", self.namespace, "-o", "json", "--show-managed-fields", *words)
        )

    def seen(self):
        return ObjectSet.from_objects([self.read("deployments,replicasets,pods")])

    def plan(self, action, **raw):
        definition = action_definition(action)
        parameters = checked_parameters(action, raw)
        return definition.change(parameters, self.seen())

    def run(self, action, change):
        """Perform the change by its command line, as the action's account."""
        file = self.folder / f"{action}.json"
        file.write_text(change.body_text)
        _, verb, *rest = command_line(change, body_file=str(file))
        return self.cluster.kubectl(verb, f"--as={self.account(action)}", *rest)

    def send(self, action, change, *, dry_run):
        """Perform the change by HTTP, with a token of the action's account."""
        token = self.cluster.kubectl("create", "token", action_definition(action).account, "-n", self.namespace)
        asked = change.request(dry_run=dry_run)
        theirs = self.api.as_bearer(token.strip())
        try:
            return theirs._json(
                asked.method, asked.path, body=asked.body, query=asked.query, content_type=asked.content_type
            )
        finally:
            theirs.close()


def rights(definition, rules, namespace):
    metadata = {"name": definition.account, "namespace": namespace}
    role = "rbac.authorization.k8s.io"
    return (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": f"{role}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [rule.as_manifest for rule in rules],
        },
        {
            "apiVersion": f"{role}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": role, "kind": "Role", "name": definition.account},
            "subjects": [{"kind": "ServiceAccount", **metadata}],
        },
    )


@pytest.fixture
def place(cluster, namespace, tmp_path):
    made = Place(cluster, namespace, tmp_path)
    yield made
    made.api.close()


def deployment(namespace, *, image="localhost/none:1", replicas=2, cause=None):
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": namespace,
            "annotations": {"kubernetes.io/change-cause": cause} if cause else {},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": {"note": ODD}},
                "spec": {"containers": [{"name": "web", "image": image, "env": [{"name": "A", "value": ODD}]}]},
            },
        },
    }


def until(check, *, limit_s=20.0):
    deadline = time.monotonic() + limit_s
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.1)
    return found


@pytest.fixture
def web(place):
    """The name of a Deployment with two replicas, as parameters hold it."""
    place.apply(deployment(place.namespace))
    return {"name": "web", "namespace": place.namespace}


@pytest.fixture
def rolled(place):
    """The name of a Deployment in its second revision."""
    for number, cause in ((1, "the first"), (2, "the second")):
        place.apply(deployment(place.namespace, image=f"localhost/none:{number}", cause=cause))
        until(lambda wanted=str(number): place.revision() == wanted)
    return {"name": "web", "namespace": place.namespace}


def with_uid(change, uid):
    """Give the same change, meant for another object of the name."""
    if change.verb is Verb.DELETE:
        return replace(change, body={**change.body, "preconditions": {"uid": uid}})
    return replace(change, body=[{**change.body[0], "value": uid}, *change.body[1:]])


def refused(action, change, place):
    """Give what a person is told of a change that the server refuses, by HTTP and by command line alike."""
    with pytest.raises(ApiError) as by_http:
        place.send(action, change, dry_run=True)
    with pytest.raises(ClusterError) as by_kubectl:
        place.run(action, change)
    said = what_kubectl_said(change, str(by_kubectl.value).partition(": ")[2])
    http = explain_refusal(change, reason=by_http.value.reason, message=str(by_http.value))

    assert said.refused
    if "nothing was changed" in said.message:
        assert http == said.message
    return said.message


def test_a_scale_changes_the_replicas_and_no_more(place, web):
    before = place.read("deployment", "web")
    change = place.plan("scale_deployment", deployment=web | {"replicas": 5})

    tried = place.send("scale_deployment", change, dry_run=True)

    assert tried["spec"]["replicas"] == 5
    assert place.read("deployment", "web")["spec"] == before["spec"]

    place.run("scale_deployment", change)

    after = place.read("deployment", "web")
    assert after["spec"] == before["spec"] | {"replicas": 5}
    managers = {one.get("subresource"): one["manager"] for one in after["metadata"]["managedFields"]}
    assert managers["scale"] == "kubernaut"


@pytest.mark.parametrize(("seen", "wanted"), [(0, 3), (3, 0), (2, 2)])
def test_a_scale_from_and_to_zero(place, seen, wanted):
    place.apply(deployment(place.namespace, replicas=seen))
    web = {"name": "web", "namespace": place.namespace}

    place.run("scale_deployment", place.plan("scale_deployment", deployment=web | {"replicas": wanted}))

    assert place.read("deployment", "web")["spec"]["replicas"] == wanted


@pytest.mark.parametrize("seen", [0, 2])
def test_a_scale_does_nothing_once_somebody_else_has_scaled(place, seen):
    place.apply(deployment(place.namespace, replicas=seen))
    web = {"name": "web", "namespace": place.namespace}
    change = place.plan("scale_deployment", deployment=web | {"replicas": 5})
    place.cluster.kubectl("scale", "deployment/web", "-n", place.namespace, "--replicas=3")

    assert "is not what it was" in refused("scale_deployment", change, place)
    assert place.read("deployment", "web")["spec"]["replicas"] == 3


def test_no_action_touches_another_object_of_the_same_name(place, rolled):
    pod = until(lambda: place.read("pods")["items"])[0]["metadata"]["name"]
    plans = {
        "scale_deployment": {"deployment": rolled | {"replicas": 5}},
        "rollback_deployment": {"deployment": rolled},
        "restart_pod": {"pod": {"name": pod, "namespace": place.namespace}},
    }
    assert plans.keys() == ACTIONS.keys()
    for action, raw in plans.items():
        change = with_uid(place.plan(action, **raw), "00000000-0000-0000-0000-000000000000")

        assert "nothing was changed" in refused(action, change, place)
    assert place.read("deployment", "web")["metadata"]["generation"] == 2
    assert pod in place.pod_names()


def test_a_rollback_puts_the_earlier_replicaset_in_force_again_and_undo_the_later_one(place, rolled):
    first = place.template_of("1")
    sets = {one["metadata"]["annotations"][REVISION]: one["metadata"]["name"] for one in place.read("rs")["items"]}
    parameters = checked_parameters("rollback_deployment", {"deployment": rolled})
    info = action_definition("rollback_deployment").rollback_info(parameters, place.seen())
    change = place.plan("rollback_deployment", deployment=rolled)

    tried = place.send("rollback_deployment", change, dry_run=True)

    assert tried["spec"]["template"]["spec"]["containers"][0]["image"] == "localhost/none:1"
    assert place.revision() == "2"

    place.run("rollback_deployment", change)

    until(lambda: place.revision() == "3")
    now = {one["metadata"]["annotations"][REVISION]: one["metadata"]["name"] for one in place.read("rs")["items"]}
    assert now == {"2": sets["2"], "3": sets["1"]}
    assert place.read("deployment", "web")["spec"]["template"] == first
    assert first["metadata"]["annotations"]["note"] == ODD
    assert place.read("deployment", "web")["metadata"]["annotations"]["kubernetes.io/change-cause"] == "the first"
    assert "is not what it was" in refused("rollback_deployment", change, place)

    undo = action_definition("rollback_deployment").undo(json.loads(json.dumps(info)))
    place.run(undo.action, place.plan(undo.action, **undo.parameters))

    until(lambda: place.revision() == "4")
    now = {one["metadata"]["annotations"][REVISION]: one["metadata"]["name"] for one in place.read("rs")["items"]}
    assert now == {"3": sets["1"], "4": sets["2"]}


def test_a_rollback_does_nothing_once_the_spec_has_changed(place, rolled):
    change = place.plan("rollback_deployment", deployment=rolled)
    place.cluster.kubectl("set", "env", "deployment/web", "-n", place.namespace, "FIX=1")

    assert "is not what it was" in refused("rollback_deployment", change, place)


def test_a_paused_deployment_is_not_rolled_back(place, rolled):
    place.cluster.kubectl("rollout", "pause", "deployment/web", "-n", place.namespace)

    with pytest.raises(InputError, match="is paused"):
        place.plan("rollback_deployment", deployment=rolled)


def test_a_restart_takes_one_pod_away_and_its_controller_makes_another(place, web):
    before = until(lambda: len(place.pod_names()) == 2 and place.pod_names())
    victim = min(before)
    change = place.plan("restart_pod", pod={"name": victim, "namespace": place.namespace})

    place.send("restart_pod", change, dry_run=True)

    assert place.pod_names() == before

    place.run("restart_pod", change)

    until(lambda: len(place.pod_names()) == 2 and victim not in place.pod_names())
    assert "is not there any more" in refused("restart_pod", change, place)


def test_each_right_is_needed(place, rolled):
    pod = until(place.pod_names).pop()
    plans = {
        "scale_deployment": {"deployment": rolled | {"replicas": 2}},
        "rollback_deployment": {"deployment": rolled},
        "restart_pod": {"pod": {"name": pod, "namespace": place.namespace}},
    }
    for action, definition in ACTIONS.items():
        change = place.plan(action, **plans[action])
        for rule in definition.rules:
            for verb in rule.verbs:
                less = replace(rule, verbs=tuple(one for one in rule.verbs if one != verb))
                others = tuple(one for one in definition.rules if one is not rule)
                place.allow(definition, (*others, *([less] if less.verbs else [])))

                said = until(lambda action=action, change=change: forbidden(action, change, place))

                assert "Forbidden" in said
    assert place.read("deployment", "web")["metadata"]["generation"] == 2
    assert pod in place.pod_names()


def forbidden(action, change, place):
    # The API server learns of a Role's change a moment later, and meanwhile goes by the old one: try without effect.
    file = place.folder / "body.json"
    file.write_text(with_uid(change, "00000000-0000-0000-0000-000000000000").body_text)
    _, verb, *rest = command_line(change, body_file=str(file))
    try:
        place.cluster.kubectl(verb, f"--as={place.account(action)}", *rest)
    except ClusterError as error:
        said = what_kubectl_said(change, str(error).partition(": ")[2])
        return said.message if "Forbidden" in said.message else None
    pytest.fail("a change for another object went through")


def test_a_dry_run_in_the_query_alone_would_delete(place, web):
    # Why `Change.request` writes it into the body: a server that is given DeleteOptions reads no query.
    before = until(lambda: len(place.pod_names()) == 2 and place.pod_names())
    victim = min(before)
    change = place.plan("restart_pod", pod={"name": victim, "namespace": place.namespace})

    place.api._json("DELETE", change.path, body=change.body, query={"dryRun": "All"})

    until(lambda: victim not in place.pod_names())
