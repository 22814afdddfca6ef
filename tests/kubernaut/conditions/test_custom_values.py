import pytest

from kubernaut.conditions.custom_facts import load_custom_facts
from kubernaut.conditions.custom_values import checked_value, custom_names, undefined, value_in, values_of_dump
from kubernaut.facts.objects import ObjectSet, Target
from kubernaut.facts.snapshot import Unobserved, UnobservedReason

WEB = Target(namespace="shop", name="web")


def fact(type_, path="{.spec.it}", kind="Job", more=""):
    text = f'facts: {{it: {{type: {type_}, kind: {kind}, apiVersion: batch/v1, jsonPath: "{path}"{more}}}}}'
    return load_custom_facts(text).facts["it"]


def job(name="web", namespace="shop", **spec):
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("number", 3),
        ("number", 0.5),
        ("string", ""),
        ("boolean", False),
        ("array", []),
        ("object", {"a": None}),
        ("number", None),
        ("string", "ü" * 2047),
    ],
)
def test_a_value_of_the_promised_type_passes(type_, value):
    assert checked_value(value, fact(type_)) == value


@pytest.mark.parametrize(
    ("type_", "value", "said"),
    [
        ("number", True, "a boolean was found where facts.yaml says number"),
        ("number", "3", "a string was found where facts.yaml says number"),
        ("string", 3, "a number was found where facts.yaml says string"),
        ("boolean", 1, "a number was found where facts.yaml says boolean"),
        ("array", {}, "an object was found where facts.yaml says array"),
        ("object", [1], "an array was found where facts.yaml says object"),
        ("string", "ü" * 2048, "the value has 4098 bytes; at most 4096 are taken"),
        ("array", ["x" * 5000], "the value has 5004 bytes; at most 4096 are taken"),
    ],
)
def test_another_value_is_unobserved(type_, value, said):
    assert checked_value(value, fact(type_)) == Unobserved(UnobservedReason.UNREADABLE, said)


def test_an_object_or_a_path_that_is_not_there_is_null():
    assert value_in(job(it=3), fact("number")) == 3
    assert value_in(job(), fact("number")) is None
    assert value_in(None, fact("number")) is None


@pytest.mark.parametrize(
    ("reads", "names"),
    [
        ([("pods", "*", "status")], frozenset()),
        ([("custom", "a"), ("custom", "b", "c"), ("ready_pods",)], {"a", "b"}),
        ([("custom",)], None),
        ([("custom", "*")], None),
        ([()], None),
    ],
)
def test_which_custom_facts_are_read_is_told_by_the_paths(reads, names):
    assert custom_names(reads) == names


def test_what_nobody_defines_is_unobserved():
    facts = {"it": fact("number")}

    assert list(undefined({"it", "that"}, facts)) == ["that"]
    assert undefined(None, facts) == {}


@pytest.mark.parametrize(
    ("objects", "answer"),
    [
        ([job(it=3), job(name="other", it=4)], 3),
        ([job(name="other", it=4)], None),
        ([{"apiVersion": "v1", "kind": "JobList", "items": []}], None),
        ([job(namespace="other", it=4)], UnobservedReason.NOT_PROVIDED),
        ([], UnobservedReason.NOT_PROVIDED),
        ([job(it=3) | {"apiVersion": "batch/v2"}], None),
        ([job(it="three")], UnobservedReason.UNREADABLE),
    ],
)
def test_a_dump_tells_what_is_in_it(objects, answer):
    custom = values_of_dump({"it": fact("number")}, {"it"}, ObjectSet.from_objects(objects), WEB)

    if isinstance(answer, UnobservedReason):
        assert custom.unobserved["it"].reason is answer
    else:
        assert custom.values == {"it": answer}


def test_only_what_is_read_is_looked_for_in_a_dump():
    facts = {"it": fact("number"), "that": fact("number", more=", name: other")}
    objects = ObjectSet.from_objects([job(it=3), job(name="other", it=4)])

    assert values_of_dump(facts, {"that", "unknown"}, objects, WEB).values == {"that": 4}
    assert set(values_of_dump(facts, {"that", "unknown"}, objects, WEB).unobserved) == {"unknown"}
    assert values_of_dump(facts, None, objects, WEB).values == {"it": 3, "that": 4}


def test_a_dump_holds_no_answers_of_prometheus():
    facts = load_custom_facts("facts: {it: {type: number, promql: up}}").facts

    unobserved = values_of_dump(facts, None, ObjectSet.from_objects([]), WEB).unobserved

    assert unobserved["it"].detail == "a dump holds no answers of Prometheus"
