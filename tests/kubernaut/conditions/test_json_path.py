import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernaut.conditions.custom_facts import _JSON_PATH
from kubernaut.conditions.json_path import _STEP, value_at

BUDGET = {
    "metadata": {"labels": {"app.kubernetes.io/name": "web"}},
    "spec": {"minAvailable": "50%"},
    "status": {
        "disruptionsAllowed": 0,
        "conditions": [
            {"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods"},
            {"type": "Other", "status": "True"},
        ],
        "none": None,
        "by-node": {"b": {"pods": [3]}, "a": {"pods": [1, 2]}},
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("{.spec.minAvailable}", "50%"),
        (".status.disruptionsAllowed", 0),
        ("{.metadata.labels['app.kubernetes.io/name']}", "web"),
        ("{.status.conditions[0].reason}", "InsufficientPods"),
        ("{.status.conditions[1].reason}", None),
        ("{.status.conditions[7].reason}", None),
        ("{.status.conditions.reason}", None),
        ("{.status.none.deeper}", None),
        ("{.spec.minAvailable.x}", None),
        ("{.spec.minAvailable[0]}", None),
        ("{.nothing}", None),
        ("{.status.conditions[*].type}", ["DisruptionAllowed", "Other"]),
        ("{.status.conditions[*].reason}", ["InsufficientPods"]),
        ("{.status.by-node[*].pods[*]}", [1, 2, 3]),
        ("{.status.nothing[*].type}", None),
        ("{.spec.minAvailable[*]}", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_null(path, value):
    assert value_at(path, BUDGET) == value


def test_an_object_that_is_not_there_has_no_values():
    assert value_at("{.spec.minAvailable}", None) is None
    assert value_at("{.spec[*]}", None) is None


@given(st.from_regex(_JSON_PATH, fullmatch=True))
def test_no_part_of_what_facts_yaml_may_say_is_passed_over(path):
    assert "".join(found[0] for found in _STEP.finditer(path)) == path
    value_at(path, BUDGET)
