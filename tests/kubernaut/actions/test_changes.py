"""What each action changes, says and keeps, from objects as an API server gives them."""

import copy
import json

import pytest
import yaml
from helpers.kube_objects import deployment, pod, pod_template, replica_set
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.actions.catalogue import ACTIONS, action_definition, checked_parameters
from kubernaut.actions.change import MAX_BODY_BYTES, Change, Verb, change_from_json
from kubernaut.errors import FactsError, InputError
from kubernaut.facts.objects import ObjectSet

CAUSE = "kubernetes.io/change-cause"
WEB = {"name": "web", "namespace": "shop"}
POD = {"name": "web-a", "namespace": "shop"}


def revision(number, image, *, cause=None):
    """Make the ReplicaSet of a revision."""
    made = replica_set(
        owner=deployment(),
        template_hash=f"hash{number}",
        uid=f"rs-{number}",
        template=template(image),
        revision=str(number),
    )
    if cause:
        made["metadata"]["annotations"][CAUSE] = cause
    return made


def template(image):
    return pod_template(containers=[{"name": "main", "image": image}])


def rolled_out(*, image="web:3", annotations=None, **spec):
    """Make a Deployment in its third revision, with the ReplicaSets of all three."""
    made = deployment(template=template(image))
    made["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "3"} | (annotations or {})
    made["spec"] |= spec
    return [made, revision(1, "web:1"), revision(2, "web:2", cause="the second"), revision(3, "web:3")]


def owned_pod(kind="ReplicaSet"):
    made = pod("web-a", owner=replica_set())
    made["metadata"] |= {"uid": "p-1"}
    made["metadata"]["ownerReferences"][0] |= {"kind": kind, "controller": True}
    return made


def planned(action, objects, **raw):
    definition, parameters = action_definition(action), checked_parameters(action, raw)
    seen = ObjectSet.from_objects(objects)
    return (
        definition.change(parameters, seen),
        definition.describe_change(parameters, seen),
        definition.rollback_info(parameters, seen),
    )


SEEN = {
    "scale_deployment": ([deployment(name="web", namespace="shop")], {"deployment": WEB | {"replicas": 5}}),
    "restart_pod": ([owned_pod()], {"pod": POD}),
    "rollback_deployment": (rolled_out(), {"deployment": WEB}),
}


def test_a_scale_tests_the_uid_and_the_replicas_that_were_seen():
    change, words, _ = planned("scale_deployment", [deployment(replicas=2)], deployment=WEB | {"replicas": 5})

    assert change.path == "/apis/apps/v1/namespaces/shop/deployments/web/scale"
    assert change.content_type == "application/json-patch+json"
    assert change.body == [
        {"op": "test", "path": "/metadata/uid", "value": "d-1"},
        {"op": "test", "path": "/spec/replicas", "value": 2},
        {"op": "add", "path": "/spec/replicas", "value": 5},
    ]
    assert words == "replicas 2 -> 5"


def test_a_scale_from_zero_tests_that_no_replicas_are_asked_for():
    change, words, _ = planned("scale_deployment", [deployment(replicas=0)], deployment=WEB | {"replicas": 1})

    assert {"op": "test", "path": "/spec", "value": {}} in change.body
    assert words == "replicas 0 -> 1"


def test_a_restart_deletes_the_pod_that_was_seen_and_no_other():
    change, words, info = planned("restart_pod", [owned_pod()], pod=POD, gracePeriodSeconds=10)

    assert (change.verb, change.path) == (Verb.DELETE, "/api/v1/namespaces/shop/pods/web-a")
    assert change.body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 10,
        "preconditions": {"uid": "p-1"},
    }
    assert words == "Pod web-a is deleted, with 10 s to end; ReplicaSet web-7d9c makes another"
    assert info == {
        "pod": POD,
        "uid": "p-1",
        "owner": {"kind": "ReplicaSet", "name": "web-7d9c"},
        "nodeName": "node-1",
    }


def test_a_restart_without_grace_says_so():
    _, words, _ = planned("restart_pod", [owned_pod()], pod=POD, gracePeriodSeconds=0)

    assert "is deleted, without waiting for its processes;" in words


def test_the_dry_run_of_a_delete_stands_in_its_body():
    change, _, _ = planned("restart_pod", [owned_pod()], pod=POD)

    assert change.request(dry_run=True).body["dryRun"] == ["All"]
    assert "dryRun" not in change.request(dry_run=False).body


@pytest.mark.parametrize("action", ACTIONS)
def test_a_dry_run_is_the_same_request(action):
    change, _, _ = planned(action, SEEN[action][0], **SEEN[action][1])

    tried, meant = change.request(dry_run=True), change.request(dry_run=False)

    assert (tried.method, tried.path, tried.content_type) == (meant.method, meant.path, meant.content_type)
    assert tried.query == {**meant.query, "dryRun": "All"}
    assert "dryRun" not in meant.query
    without = {k: v for k, v in tried.body.items() if k != "dryRun"} if isinstance(tried.body, dict) else tried.body
    assert without == meant.body


def test_a_rollback_puts_back_the_template_before():
    change, words, info = planned("rollback_deployment", rolled_out(), deployment=WEB)

    assert change.path == "/apis/apps/v1/namespaces/shop/deployments/web"
    assert change.body == [
        {"op": "test", "path": "/metadata/uid", "value": "d-1"},
        {"op": "test", "path": "/metadata/generation", "value": 2},
        {"op": "replace", "path": "/spec/template", "value": template("web:2")},
        {"op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": "the second"},
    ]
    assert words == "revision 3 -> template of revision 2 (main: image web:3 -> web:2)"
    assert info == {"deployment": WEB, "uid": "d-1", "revision": 3, "replicaSet": "web-hash3", "changedTo": 2}


def test_a_rollback_goes_to_the_revision_that_was_named():
    change, words, _ = planned("rollback_deployment", rolled_out(), deployment=WEB, toRevision=1)

    assert change.body[2]["value"] == template("web:1")
    assert "template of revision 1" in words


def test_a_change_cause_goes_where_its_template_has_none():
    objects = rolled_out(annotations={CAUSE: "the third"})

    change, _, _ = planned("rollback_deployment", objects, deployment=WEB, toRevision=1)

    assert change.body[3] == {"op": "remove", "path": "/metadata/annotations/kubernetes.io~1change-cause"}


def test_a_rollback_after_a_rollback_goes_forward_again():
    # Revision 2's template became revision 4; there is no 2 any more.
    objects = [deployment(template=template("web:2")), revision(1, "web:1"), revision(3, "web:3"), revision(4, "web:2")]

    _, words, _ = planned("rollback_deployment", objects, deployment=WEB)

    assert words == "revision 4 -> template of revision 3 (main: image web:2 -> web:3)"


def test_images_that_stay_are_said_to():
    objects = rolled_out()
    objects[2]["spec"]["template"]["spec"] |= {"containers": [{"name": "main", "image": "web:3", "args": ["-v"]}]}

    _, words, _ = planned("rollback_deployment", objects, deployment=WEB)

    assert words == "revision 3 -> template of revision 2 (same images)"


@pytest.mark.parametrize(
    ("action", "objects", "raw", "message"),
    [
        ("scale_deployment", [], {"deployment": WEB | {"replicas": 1}}, "Deployment shop/web is not there"),
        ("scale_deployment", [deployment(uid="")], {"deployment": WEB | {"replicas": 1}}, "has no UID"),
        ("restart_pod", [], {"pod": POD}, "Pod shop/web-a is not there"),
        ("restart_pod", [pod("web-a") | {"metadata": POD | {"uid": "p"}}], {"pod": POD}, "has no controller"),
        ("restart_pod", [owned_pod("Node")], {"pod": POD}, "a static Pod of its node"),
        ("rollback_deployment", rolled_out(paused=True), {"deployment": WEB}, "is paused"),
        ("rollback_deployment", rolled_out(image="web:4"), {"deployment": WEB}, "has not made a ReplicaSet"),
        ("rollback_deployment", rolled_out(), {"deployment": WEB, "toRevision": 3}, "revision 3 is in force already"),
        (
            "rollback_deployment",
            rolled_out(),
            {"deployment": WEB, "toRevision": 9},
            "no revision 9 any more; there are: 1, 2, 3",
        ),
        (
            "rollback_deployment",
            [deployment(template=template("web:1")), revision(1, "web:1")],
            {"deployment": WEB},
            "no revision before 1",
        ),
    ],
)
def test_what_cannot_be_changed_so_is_refused_with_its_reason(action, objects, raw, message):
    objects = copy.deepcopy(objects)
    if message == "has not made a ReplicaSet":
        objects[0]["status"]["observedGeneration"] = 1

    with pytest.raises(InputError, match=message):
        planned(action, objects, **raw)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_target_that_is_being_deleted_is_refused(action):
    objects, raw = copy.deepcopy(SEEN[action])
    objects[0]["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"

    with pytest.raises(InputError, match="is being deleted"):
        planned(action, objects, **raw)


def test_a_generation_that_is_missing_is_refused():
    objects = rolled_out()
    del objects[0]["metadata"]["generation"]

    with pytest.raises(InputError, match="has no generation"):
        planned("rollback_deployment", objects, deployment=WEB)


@pytest.mark.parametrize("action", ACTIONS)
def test_undo_is_an_action_with_parameters_that_pass(action):
    _, _, info = planned(action, SEEN[action][0], **SEEN[action][1])
    definition = action_definition(action)

    undo = definition.undo(json.loads(json.dumps(info)))

    assert (undo is not None) == definition.reversible == bool(definition.rollback)
    if undo is not None:
        checked_parameters(undo.action, undo.parameters)


def test_a_scale_is_undone_by_scaling_back_from_what_it_made():
    _, _, info = planned("scale_deployment", [deployment(replicas=2)], deployment=WEB | {"replicas": 5})

    undo = action_definition("scale_deployment").undo(info)

    assert undo.parameters == {"deployment": WEB | {"replicas": 2}, "expectedReplicas": 5}


def test_a_rollback_is_undone_by_going_to_the_revision_that_was_in_force():
    _, _, info = planned("rollback_deployment", rolled_out(), deployment=WEB)

    undo = action_definition("rollback_deployment").undo(info)

    assert undo.parameters == {"deployment": WEB, "toRevision": 3}


@pytest.mark.parametrize("info", [{}, {"deployment": "web"}, {"deployment": {"name": 3}}, {"replicas": "2"}])
def test_rollback_information_that_somebody_altered_never_passes(info):
    undo = action_definition("scale_deployment").undo

    with pytest.raises((FactsError, InputError)):
        checked_parameters("scale_deployment", undo(info).parameters)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_change_survives_being_stored(action):
    change, _, _ = planned(action, SEEN[action][0], **SEEN[action][1])

    assert change_from_json(json.loads(json.dumps(change.as_json()))) == change
    assert json.loads(change.body_text) == change.body


@pytest.mark.parametrize("raw", [{}, {"verb": "POST"}, {"verb": "PATCH", "name": "--all"}])
def test_what_is_no_stored_change_is_refused(raw):
    with pytest.raises(InputError):
        change_from_json(raw)


def test_a_body_that_no_job_could_carry_is_refused():
    with pytest.raises(InputError, match=f"at most {MAX_BODY_BYTES}"):
        Change(
            verb=Verb.PATCH,
            group="apps",
            version="v1",
            resource="deployments",
            namespace="shop",
            name="web",
            body=["x" * MAX_BODY_BYTES],
        )


def test_one_cannot_store_a_body_that_is_no_json():
    with pytest.raises(TypeError, match="object is no JSON"):
        Change(verb=Verb.PATCH, group="", version="v1", resource="pods", namespace="shop", name="web", body=[object()])


@given(st.text(max_size=60))
def test_a_body_means_the_same_as_json_and_as_yaml(text):
    # kubectl reads a patch as YAML.
    change = Change(
        verb=Verb.PATCH,
        group="apps",
        version="v1",
        resource="deployments",
        namespace="shop",
        name="web",
        body=[{"op": "add", "path": "/spec/x", "value": {text: [text, None, 1, True]}}],
    )

    assert json.loads(change.body_text) == change.body
    assert "\n" not in change.body_text
    assert yaml.safe_load(change.body_text) == change.body
