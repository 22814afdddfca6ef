from pathlib import Path

import pytest
import yaml

from kubernaut.conditions.added import (
    MAX_INLINE_BYTES,
    added_by_step,
    added_conditions,
    check_inline_total,
)
from kubernaut.errors import SettingsError
from kubernaut.identity import Level, Phase

GUIDE = Path(__file__).parent / "data" / "scale-web-app-workflow.yaml"


def added(block, *, level=Level.STEP, place="steps[0]"):
    return added_conditions(block, action="scale_deployment", level=level, place=place)


def test_the_guides_example_is_read_as_it_stands():
    (step,) = yaml.safe_load(GUIDE.read_text())["spec"]["workflowDefinition"]["steps"]
    action, levels = added_by_step(step, place="steps[0]")

    assert action == "scale_deployment"
    assert levels[Level.ACTION] == ()
    assert [(str(one.id), one.required, one.timeout_s) for one in levels[Level.STEP]] == [
        ("scale_deployment/step/pre/deployment_exists", True, 10),
        ("scale_deployment/step/pre/cluster_capacity_available", True, 10),
        ("scale_deployment/step/post/desired_replicas_running", True, 120),
        ("scale_deployment/step/post/deployment_health_check", True, 120),
    ]
    assert all(one.rego and one.description for one in levels[Level.STEP])


def test_defaults_are_the_guides():
    pre, post = added({"preConditions": [{"type": "a"}], "postConditions": [{"type": "b"}]})

    assert (pre.required, pre.timeout_s, pre.rego, pre.description) == (True, 30, None, "")
    assert (post.timeout_s, post.poll_interval_s, post.hold_for_s) == (120, None, 0)
    assert (pre.place, post.place) == ("steps[0].preConditions[0]", "steps[0].postConditions[0]")


def test_all_fields_are_read():
    (one,) = added(
        {
            "postConditions": [
                {
                    "type": "b",
                    "description": "d",
                    "rego": "package x",
                    "required": False,
                    "timeout": "1m",
                    "pollInterval": "5s",
                    "holdFor": "20s",
                }
            ]
        }
    )

    assert (one.description, one.rego, one.required, one.timeout_s, one.poll_interval_s, one.hold_for_s) == (
        "d",
        "package x",
        False,
        60,
        5,
        20,
    )


def test_no_conditions_at_all_is_valid():
    assert added({}) == ()
    assert added({"preConditions": None, "postConditions": []}) == ()


@pytest.mark.parametrize(
    "step",
    [
        {"action": "scale_deployment", "actionConditions": {"postConditions": [{"type": "b"}]}},
        {"action": {"name": "scale_deployment", "postConditions": [{"type": "b"}]}},
    ],
)
def test_conditions_of_the_action_have_two_spellings(step):
    action, levels = added_by_step(step | {"preConditions": [{"type": "a"}]}, place="steps[2]")

    (child,) = levels[Level.ACTION]
    assert action == "scale_deployment"
    assert (child.id.level, child.id.phase, child.id.type) == (Level.ACTION, Phase.POST, "b")
    assert child.place.startswith("steps[2].action")
    assert [one.id.type for one in levels[Level.STEP]] == ["a"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({}, "step: no action"),
        ({"action": {}}, "step: no action"),
        (
            {"action": {"name": "a"}, "actionConditions": {}},
            "actionConditions: the action's conditions stand under action already",
        ),
        ({"action": "a", "actionConditions": []}, "actionConditions: holds no preConditions"),
    ],
)
def test_a_step_without_clear_action_is_refused(step, message):
    with pytest.raises(SettingsError, match=message):
        added_by_step(step)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "steps[0]: postConditions[0].type: missing; add it"),
        ({"type": "Bad-Type"}, "postConditions[0].type: string should match"),
        ({"type": "a", "timeout": "0s"}, "postConditions[0].timeout: 0s is zero"),
        ({"type": "a", "timeout": "2h"}, "timeout: 2h is too long"),
        ({"type": "a", "timeout": 30}, "30 of what?"),
        ({"type": "a", "required": "yes"}, "required: input should be a valid boolean"),
        ({"type": "a", "holdFor": "2m"}, "holdFor: 2m does not fit into the timeout (2m)"),
        ({"type": "a", "pollIntervall": "2s"}, "pollIntervall: unknown key; did you mean `pollInterval`?"),
        ({"type": "a", "rego": ""}, "rego: "),
        ({"type": "a", "rego": "x" * (MAX_INLINE_BYTES + 1)}, "steps[0].postConditions[0]: 8,193 bytes of inline rego"),
    ],
)
def test_bad_entries_are_told_with_their_path(entry, message):
    with pytest.raises(SettingsError) as caught:
        added({"postConditions": [entry]})

    assert message in str(caught.value)


@pytest.mark.parametrize("field", ["pollInterval", "holdFor"])
def test_a_precondition_is_looked_at_once(field):
    with pytest.raises(SettingsError, match=f"{field}: a precondition is looked at once"):
        added({"preConditions": [{"type": "a", field: "5s"}]})


def test_a_type_stands_once_in_a_list_but_may_stand_in_both():
    assert len(added({"preConditions": [{"type": "a"}], "postConditions": [{"type": "a"}]})) == 2
    with pytest.raises(SettingsError, match=r"preConditions\[1\]: a stands in this list twice"):
        added({"preConditions": [{"type": "a"}, {"type": "a"}]})


def test_lists_are_bounded():
    with pytest.raises(SettingsError, match="at most 64"):
        added({"preConditions": [{"type": f"t{number}"} for number in range(65)]})


def test_all_inline_policies_together_are_bounded():
    full = added(
        {"preConditions": [{"type": f"t{number}", "rego": "é" * (MAX_INLINE_BYTES // 2)} for number in range(32)]}
    )

    check_inline_total(full)
    with pytest.raises(SettingsError, match=r"262,145 bytes of inline rego; at most 262,144"):
        check_inline_total([*full, *added({"postConditions": [{"type": "a", "rego": "x"}]})])
