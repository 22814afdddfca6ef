"""Conditions that a custom resource brings: the guide's fields, `pollInterval` and `holdFor`, checked.

A step carries its own under ``preConditions`` and ``postConditions``; those of its child stand in the same
two lists under ``actionConditions`` (or under ``action``, when that is written as ``{name, preConditions,
postConditions}``). A KubernetesExecution carries its own at the top of its spec. A custom resource can only
add: what becomes of an entry that a ConfigMap knows too is decided in `resolve`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, ValidationError, model_validator

from kubernaut.conditions.fields import FROM_TEXT, Name, Seconds, StrictModel, check_timing
from kubernaut.conditions.problems import describe, known_keys
from kubernaut.conditions.spec import DEFAULT_TIMEOUT_POST_S, DEFAULT_TIMEOUT_PRE_S
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Level, Phase

MAX_INLINE_BYTES = 8 * 1024
"""Of one inline policy."""

MAX_INLINE_TOTAL_BYTES = 256 * 1024
"""Of all inline policies of one custom resource: etcd holds 1.5 MiB, and status needs room too."""

MAX_CONDITIONS = 64
"""Of one list."""


class CrCondition(StrictModel):
    """One entry of `preConditions` or `postConditions`.

    Attributes
    ----------
    type : str
        Name of the condition, in snake_case.
    description : str
        For people.
    rego : str or None
        The policy, at most 8 KiB; a policy of a ConfigMap takes its place. May be left out where one has it.
    required : bool
        Whether a failure stops the run, in the share of incidents that the rollout enforces.
    timeout_s : float or None
        How long it may take: 30s before the action and 2m after it where it is left out, at most 1h.
    poll_interval_s : float or None
        How often it is looked at; 1s, growing to 10s, where it is left out.
    hold_for_s : float or None
        How long it must stay true before it passes; 0s where it is left out.
    """

    type: Name
    description: str = Field(default="", max_length=1024)
    rego: str | None = Field(default=None, min_length=1, json_schema_extra={"maxLength": MAX_INLINE_BYTES})
    required: bool = True
    timeout_s: Seconds | None = Field(default=None, alias="timeout")
    poll_interval_s: Seconds | None = Field(default=None, alias="pollInterval")
    hold_for_s: Seconds | None = Field(default=None, alias="holdFor")


class CrPreCondition(CrCondition):
    """An entry of `preConditions`: looked at once, so there is nothing to poll or hold."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        for name, value in (("pollInterval", self.poll_interval_s), ("holdFor", self.hold_for_s)):
            if value is not None:
                raise ValueError(f"{name}: a precondition is looked at once; remove it")
        check_timing(timeout_s=DEFAULT_TIMEOUT_PRE_S if self.timeout_s is None else self.timeout_s)
        return self


class CrPostCondition(CrCondition):
    """An entry of `postConditions`."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        check_timing(
            timeout_s=DEFAULT_TIMEOUT_POST_S if self.timeout_s is None else self.timeout_s,
            poll_interval_s=self.poll_interval_s,
            hold_for_s=self.hold_for_s or 0.0,
        )
        return self


class CrConditions(StrictModel):
    """Both lists of a step, a step's action, or an execution.

    Attributes
    ----------
    pre : tuple of CrPreCondition
        Judged before the action, beside the suite that the settings name; none of the suite can be removed.
    post : tuple of CrPostCondition
        Judged after the action, beside the suite that the settings name.
    """

    pre: tuple[CrPreCondition, ...] = Field(default=(), alias="preConditions", strict=False, max_length=MAX_CONDITIONS)
    post: tuple[CrPostCondition, ...] = Field(
        default=(), alias="postConditions", strict=False, max_length=MAX_CONDITIONS
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedCondition:
    """One condition that a custom resource lists.

    Attributes
    ----------
    id : ConditionId
    place : str
        Where it stands, for messages, e.g. ``steps[0].preConditions[1]``.
    rego : str or None
        Inline policy; None when it counts on the ConfigMap's.
    timeout_s : float
        The phase's default filled in.
    """

    id: ConditionId
    place: str
    description: str = ""
    rego: str | None = None
    required: bool = True
    timeout_s: float
    poll_interval_s: float | None = None
    hold_for_s: float = 0.0


def added_conditions(
    block: Mapping[str, Any], *, action: str, level: Level, place: str = ""
) -> tuple[AddedCondition, ...]:
    """Read what one block of a custom resource adds.

    Parameters
    ----------
    block : mapping
        Holds ``preConditions`` and ``postConditions``, or one of them, or none; its other keys are not looked
        at.
    action : str
        The step's action.
    level : Level
        Who will judge them.
    place : str
        Where the block stands, for messages, e.g. ``steps[0]``.

    Raises
    ------
    SettingsError
        A field that is unknown, missing or out of bounds, a type listed twice, or inline Rego above 8 KiB.
    """
    lists = {key: block[key] for key in ("preConditions", "postConditions") if block.get(key) is not None}
    try:
        parsed = CrConditions.model_validate(lists, context=FROM_TEXT, by_alias=True, by_name=False)
    except ValidationError as error:
        keys = known_keys(CrPostCondition, CrConditions)
        raise SettingsError(describe(error, place=lambda _: place or "conditions", keys=keys)) from error
    found: dict[ConditionId, AddedCondition] = {}
    for phase, entries in ((Phase.PRE, parsed.pre), (Phase.POST, parsed.post)):
        for index, entry in enumerate(entries):
            added = _added(entry, ConditionId(action, level, phase, entry.type), index=index, place=place)
            if added.id in found:
                raise SettingsError(f"{added.place}: {entry.type} stands in this list twice; keep one")
            found[added.id] = added
    return tuple(found.values())


def added_by_step(step: Mapping[str, Any], *, place: str = "") -> tuple[str, dict[Level, tuple[AddedCondition, ...]]]:
    """Read one step of a WorkflowExecution.

    Parameters
    ----------
    step : mapping
        As in ``spec.workflowDefinition.steps``.

    Returns
    -------
    action : str
        The step's action.
    added : dict of Level to tuple of AddedCondition
        Both levels.

    Raises
    ------
    SettingsError
        No action, the action's conditions given in both ways, or as `added_conditions`.
    """
    action = step.get("action")
    block: Any = step.get("actionConditions")
    block_place = f"{place}.actionConditions" if place else "actionConditions"
    if isinstance(action, Mapping):
        if block is not None:
            raise SettingsError(f"{block_place}: the action's conditions stand under action already; keep one place")
        block, action = action, action.get("name")
        block_place = f"{place}.action" if place else "action"
    if not isinstance(action, str) or not action:
        raise SettingsError(f"{place or 'step'}: no action; write action: scale_deployment, for example")
    if block is not None and not isinstance(block, Mapping):
        raise SettingsError(f"{block_place}: holds no preConditions and postConditions")
    return action, {
        Level.STEP: added_conditions(step, action=action, level=Level.STEP, place=place),
        Level.ACTION: added_conditions(block or {}, action=action, level=Level.ACTION, place=block_place),
    }


def check_inline_total(added: Sequence[AddedCondition]) -> None:
    """Refuse a custom resource whose inline policies are too large together.

    Parameters
    ----------
    added : sequence of AddedCondition
        Of all its steps and both levels.

    Raises
    ------
    SettingsError
        Above 256 KiB.
    """
    total = sum(_bytes(condition.rego) for condition in added)
    if total > MAX_INLINE_TOTAL_BYTES:
        raise SettingsError(
            f"{total:,} bytes of inline rego; at most {MAX_INLINE_TOTAL_BYTES:,} are accepted in all: "
            "move policies into a ConfigMap"
        )


def _added(entry: CrCondition, condition: ConditionId, *, index: int, place: str) -> AddedCondition:
    phase = condition.phase
    where = f"{place}.{phase.value}Conditions[{index}]" if place else f"{phase.value}Conditions[{index}]"
    if _bytes(entry.rego) > MAX_INLINE_BYTES:
        raise SettingsError(
            f"{where}: {_bytes(entry.rego):,} bytes of inline rego; at most {MAX_INLINE_BYTES:,} are "
            "accepted: move the policy into a ConfigMap"
        )
    default_s = DEFAULT_TIMEOUT_PRE_S if phase is Phase.PRE else DEFAULT_TIMEOUT_POST_S
    return AddedCondition(
        id=condition,
        place=where,
        description=entry.description,
        rego=entry.rego,
        required=entry.required,
        timeout_s=default_s if entry.timeout_s is None else entry.timeout_s,
        poll_interval_s=entry.poll_interval_s,
        hold_for_s=entry.hold_for_s or 0.0,
    )


def _bytes(text: str | None) -> int:
    return len(text.encode("utf-8", "surrogatepass")) if text else 0
