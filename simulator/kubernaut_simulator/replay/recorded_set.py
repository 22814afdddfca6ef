"""The conditions that a history was recorded under, as sets that can be tuned and exported.

Tuning changes settings, so it needs some to start from. Where the user names no ConfigMaps, the newest evaluation of
each condition says its flags and times, and the policy rows say its Rego and helpers: what ran last is what is tuned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc
from pydantic import ValidationError

from kubernaut.conditions.condition_set import ConditionSet, PolicyText
from kubernaut.conditions.settings import ActionSettings, PostSettings, PreSettings, Settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut_simulator.estimation.columns import Columns
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.tasks import rows_by_condition

_WANTED = ("policy_digest", "required", "percent", "timeout_s", "poll_interval_s", "hold_for_s", "candidate")


def recorded_sets(evaluations: ArrowTable, policies: ArrowTable) -> dict[Level, ConditionSet]:
    """Give each level's conditions as they were when last recorded.

    Raises
    ------
    HistoryError
        A policy's source is not in the history, or two policies of one level bring different helpers of one name.
    """
    sources = {row["digest"]: row for row in policies.to_pylist()}
    sets: dict[Level, dict[str, Any]] = {
        level: {"exact": {}, "candidates": {}, "libraries": {}, "conditions": {}} for level in Level
    }
    columns = Columns(evaluations, name="evaluation", needed=_WANTED)
    started = columns.instant("started_at")
    candidate = columns.flag("candidate")
    for condition, rows in rows_by_condition(columns):
        found = sets[condition.level]
        for challenger in (False, True):
            own = rows[candidate[rows] == challenger]
            if not len(own):
                continue
            newest = evaluations.slice(int(own[started[own].argmax()]), 1).select(_WANTED).to_pylist()[0]
            policy = sources.get(newest["policy_digest"])
            if policy is None:
                raise HistoryError(
                    f"the source of {condition}'s policy ({newest['policy_digest'][:12]}) is not in the history; "
                    "name the conditions to tune with --conditions"
                )
            text = PolicyText(name=f"recorded {condition}", source=policy["source"], origin=PolicySource.CONFIGMAP)
            found["candidates" if challenger else "exact"][condition] = text
            _add_libraries(found["libraries"], json.loads(policy["libraries"]), condition)
            if not challenger:
                found["conditions"][condition] = _settings(condition, newest)
    return {level: _set(level, found) for level, found in sets.items() if found["conditions"]}


def has_sources(evaluations: ArrowTable, policies: ArrowTable) -> bool:
    """Say whether the history holds the source of every policy that it names."""
    digests = pc.unique(evaluations.column("policy_digest").cast("string")).to_pylist()
    return set(digests) <= set(policies.column("digest").to_pylist())


def _settings(condition: ConditionId, row: Mapping[str, Any]) -> PreSettings:
    common = {
        "required": row["required"],
        "rollout_percent": row["percent"],
        "timeout_s": row["timeout_s"],
    }
    try:
        if condition.phase is Phase.PRE:
            return PreSettings(**common)
        return PostSettings(**common, poll_interval_s=row["poll_interval_s"], hold_for_s=row["hold_for_s"])
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise HistoryError(
            f"{condition} was recorded on terms that cannot be set ({problem}); "
            "name the conditions to tune with --conditions"
        ) from error


def _add_libraries(known: dict[str, str], own: Mapping[str, str], condition: ConditionId) -> None:
    for name, source in own.items():
        if known.setdefault(name, source) != source:
            raise HistoryError(
                f"{condition} was judged with another text of {name} than the conditions beside it; "
                "name the conditions to tune with --conditions"
            )


def _set(level: Level, found: Mapping[str, Any]) -> ConditionSet:
    suites: dict[str, dict[str, dict[str, PreSettings]]] = {}
    for condition, settings in found["conditions"].items():
        suite = suites.setdefault(condition.action, {"pre": {}, "post": {}})
        suite[condition.phase.value][condition.type] = settings
    return ConditionSet(
        level=level,
        settings=Settings(
            actions={action: ActionSettings.model_validate(suite) for action, suite in sorted(suites.items())}
        ),
        exact=found["exact"],
        candidates=found["candidates"],
        libraries=found["libraries"],
    )
