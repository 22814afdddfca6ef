import pytest
from helpers.kube_objects import deployment, node, pod, pod_metrics
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.errors import FactsError
from kubernaut.facts.fields import Fields
from kubernaut.facts.kinds import infer_kind
from kubernaut.facts.objects import ObjectSet, Target, read_object


def test_lists_of_every_form():
    items = [deployment(), pod(), node()]
    nested = {"kind": "List", "items": items}

    expected = ObjectSet.from_objects(items)

    assert {k: [o.name for o in v] for k, v in expected.by_kind.items()} == {
        "Deployment": ["web"],
        "Pod": ["web-a"],
        "Node": ["node-1"],
    }
    for given_form in ([nested], [{"items": items}], [{"kind": "List", "items": [nested]}]):
        found = ObjectSet.from_objects(given_form)
        assert {k: [o.version for o in v] for k, v in found.by_kind.items()} == {
            k: [o.version for o in v] for k, v in expected.by_kind.items()
        }


def test_a_typed_list_gives_its_items_their_kind_and_tells_that_it_was_asked():
    bare = {k: v for k, v in pod().items() if k not in ("kind", "apiVersion")}

    found = ObjectSet.from_objects([{"kind": "PodList", "items": [bare]}, {"kind": "NodeList", "items": []}])

    assert [o.name for o in found.of("Pod")] == ["web-a"]
    assert found.listed_kinds == {"Pod", "Node"}
    assert found.of("Node") == ()


def test_kinds_that_the_caller_asked_for():
    assert ObjectSet.from_objects([], listed=["Event"]).listed_kinds == {"Event"}


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"spec": {"containers": []}}, "Pod"),
        ({"status": {"nodeInfo": {}}}, "Node"),
        ({"status": {"allocatable": {}}}, "Node"),
        ({"spec": {"template": {}, "strategy": {}}}, "Deployment"),
        (
            {"spec": {"template": {}, "replicas": 1, "selector": {}}, "status": {"unavailableReplicas": 1}},
            "Deployment",
        ),
        ({"spec": {"template": {}, "replicas": 1, "selector": {}}}, "ReplicaSet"),
        ({"spec": {"template": {}, "serviceName": "x", "replicas": 1}}, "StatefulSet"),
        ({"spec": {"template": {}, "updateStrategy": {}}}, "DaemonSet"),
        ({"spec": {"template": {}, "backoffLimit": 1}}, "Job"),
        ({"spec": {"jobTemplate": {}}}, "CronJob"),
        ({"spec": {"scaleTargetRef": {}}}, "HorizontalPodAutoscaler"),
        ({"spec": {"hard": {}}}, "ResourceQuota"),
        ({"involvedObject": {}}, "Event"),
        ({"regarding": {}}, "Event"),
        ({"containers": [], "timestamp": ""}, "PodMetrics"),
        ({"spec": 3, "status": []}, ""),
        ({}, ""),
    ],
)
def test_kind_by_structure(item, kind):
    assert infer_kind(item) == kind


def test_real_shapes_are_told_without_their_kind():
    for item in (deployment(), pod(), node(), pod_metrics()):
        bare = {key: value for key, value in item.items() if key not in ("kind", "apiVersion")}
        assert infer_kind(bare) == item["kind"]


def test_strangers_are_named_and_cost_nothing():
    found = ObjectSet.from_objects([3, None, {"a": 1}, {"metadata": {}}, pod()])

    assert [o.name for o in found.of("Pod")] == ["web-a"]
    assert found.unrecognised == (
        "NoneType, not an object",
        "int, not an object",
        "object of no known kind with the fields a",
        "object of no known kind with the fields metadata",
    )


def test_an_object_without_identity_spoils_its_kind():
    found = ObjectSet.from_objects([pod(), {"kind": "Pod", "metadata": 5}, {"kind": "Pod", "metadata": {}}])

    assert found.unreadable == {"Pod": "Pod without a name"}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"name": 3}, "Pod: metadata.name is a number, not text"),
        ({"name": "a", "labels": []}, "Pod default/a: metadata.labels is a list, not an object"),
        ({"name": "a", "labels": {"x": 1}}, "Pod default/a: metadata.labels.x is a number, not text"),
        (
            {"name": "a", "ownerReferences": [3]},
            r"Pod default/a: metadata.ownerReferences\[0\] is a number, not an object",
        ),
        ([], "Pod: metadata is a list, not an object"),
    ],
)
def test_identity_that_cannot_be_read_is_named(metadata, message):
    with pytest.raises(FactsError, match=message):
        read_object({"metadata": metadata}, "Pod")


def test_the_newest_of_the_same_object_stands():
    old, new = deployment(replicas=1), deployment(replicas=2)
    new["metadata"]["resourceVersion"] = "10"

    for order in ([old, new], [new, old]):
        (only,) = ObjectSet.from_objects(order).of("Deployment")
        assert only.spec.number("replicas") == 2


def test_find_wants_the_pinned_uid():
    objects = ObjectSet.from_objects([deployment(uid="d-1")])

    assert objects.find(Target(namespace="shop", name="web")) is not None
    assert objects.find(Target(namespace="shop", name="web", uid="d-1")) is not None
    assert objects.find(Target(namespace="shop", name="web", uid="older")) is None
    assert objects.find(Target(namespace="other", name="web")) is None


def test_an_object_without_namespace_is_in_default():
    assert read_object({"metadata": {"name": "a"}}, "Pod").namespace == "default"
    assert read_object({"metadata": {"name": "a"}}, "Node").namespace == ""
    assert str(Target(namespace="shop", name="web")) == "Deployment shop/web"


def test_owner_is_the_controller_or_the_only_one():
    def owner(*references):
        return read_object({"metadata": {"name": "a", "ownerReferences": list(references)}}, "Pod").owner

    first, second = (
        {"kind": "A", "name": "x", "uid": "1"},
        {"kind": "B", "name": "y", "uid": "2", "controller": True},
    )

    assert owner(first, second).kind == "B"
    assert owner(first).kind == "A"
    assert owner(first, {**first, "uid": "3"}) is None
    assert owner() is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=4))
def test_anything_can_be_sorted(items):
    ObjectSet.from_objects(items)


READERS = ["text", "number", "count", "flag", "moment", "labels", "resources", "each", "texts", "at"]


@given(json_values, st.sampled_from(READERS))
def test_a_view_gives_a_value_or_names_the_field(value, reader):
    view = Fields({"key": value}, "Pod shop/a: ")
    message = "Pod shop/a: key"
    try:
        getattr(view, reader)("key")
    except FactsError as error:
        message = str(error)

    assert message.startswith("Pod shop/a: key")


def test_a_view_of_what_is_missing_is_empty():
    view = Fields(None, "Pod shop/a: ")

    assert not view
    assert view.at("a", "b").path("c") == "Pod shop/a: a.b.c"
    assert (view.text("a"), view.number("a"), view.count("a", 3), view.flag("a"), view.moment("a")) == (
        "",
        None,
        3,
        False,
        None,
    )
    assert (view.each("a"), view.texts("a"), view.labels("a"), view.resources("a")) == ([], [], {}, {})


@pytest.mark.parametrize(
    ("reader", "value", "message"),
    [
        ("count", -1, "it cannot be negative"),
        ("number", 1.5, "not a whole number"),
        ("number", 2**64, "no number of 64 bits"),
        ("number", True, "is a flag, not a whole number"),
        ("flag", "yes", "is text, not true or false"),
        ("moment", "yesterday", "not an instant of RFC 3339"),
        ("moment", "0001-01-01T00:00:00+23:59", "not an instant"),
        ("texts", [1], r"key\[0\] is a number, not text"),
        ("resources", {"cpu": "-1"}, "key.cpu: '-1' is negative"),
        ("resources", {"cpu": None}, "key.cpu: a quantity is text or a number, not NoneType"),
    ],
)
def test_a_view_says_what_is_wrong(reader, value, message):
    with pytest.raises(FactsError, match=message):
        getattr(Fields({"key": value}, "Pod shop/a: "), reader)("key")


def test_moments_are_in_utc():
    view = Fields(
        {
            "a": "2024-01-01T01:00:00+01:00",
            "b": "2024-01-01T00:00:00Z",
            "c": "2024-01-01T00:00:00.123456789Z",
            "d": "2024-01-01T00:00:00",
        },
        "",
    )

    assert view.moment("a") == view.moment("b") == view.moment("d")
    assert view.moment("c").microsecond == 123456
