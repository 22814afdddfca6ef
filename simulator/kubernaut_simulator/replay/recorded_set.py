"""The conditions that a history was recorded under, as sets that can be tuned and exported.

Tuning changes settings, so it needs some to start from. Where the user names no ConfigMaps, the newest evaluation of
each condition says its flags, times and numbers, per environment; the policy rows say its Rego and helpers: what ran
last is what is tuned. What history does not hold (custom facts, the word that deals incidents) is said in the set's
warnings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from kubernaut.conditions.condition_set import ConditionSet, PolicyText
from kubernaut.conditions.settings import ActionSettings, PostSettings, PreSettings, Settings
from kubernaut.conditions.spec import PolicySource
from kubernaut.enforcement.rollout import bucket_of
from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut_simulator.estimation.columns import Columns
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.recorded_numbers import recorded_numbers
from kubernaut_simulator.replay.tasks import rows_by_condition

_WANTED = (
    "record_id", "policy_digest", "required", "percent", "timeout_s", "poll_interval_s", "hold_for_s", "environment",
)  # fmt: skip

RunsOf: TypeAlias = Mapping[tuple[ConditionId, bool, str], int]
"""Evaluations by condition, whether a challenger's, and environment."""


@dataclass(slots=True)
class _Found:
    """What is known of one level so far."""

    exact: dict[ConditionId, PolicyText] = field(default_factory=dict)
    candidates: dict[ConditionId, PolicyText] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    suites: dict[str, dict[str, dict[str, PreSettings]]] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)


def recorded_sets(
    evaluations: ArrowTable, attempts: ArrowTable, policies: ArrowTable, *, runs: RunsOf | None = None
) -> dict[Level, ConditionSet]:
    """Give each level's conditions as they were when last recorded.

    Parameters
    ----------
    runs : mapping of (ConditionId, challenger, environment) to int, or None
        How many evaluations there are, where the table holds only the newest; None counts its rows.

    Raises
    ------
    HistoryError
        A policy's source is not in the history, or two policies of one level bring different helpers of one name.
    """
    sources = {row["digest"]: row for row in policies.to_pylist()}
    newest = [
        (condition, challenger, [row for row, _ in _most_runs_first(condition, challenger, rows, runs)])
        for condition, challenger, rows in newest_rows(evaluations)
    ]
    numbers = recorded_numbers([row["record_id"] for _, _, rows in newest for row in rows], attempts)
    levels: dict[Level, _Found] = {}
    for condition, challenger, rows in newest:
        found = levels.setdefault(condition.level, _Found())
        base, *others = rows
        policy = sources.get(base["policy_digest"])
        if policy is None:
            raise HistoryError(
                f"the source of {condition}'s policy ({base['policy_digest'][:12]}) is not in the history; "
                "name the conditions to tune with --conditions"
            )
        text = PolicyText(name=f"recorded {condition}", source=policy["source"], origin=PolicySource.CONFIGMAP)
        (found.candidates if challenger else found.exact)[condition] = text
        _add_libraries(found.libraries, json.loads(policy["libraries"]), condition)
        if not challenger:
            suite = found.suites.setdefault(condition.action, {"pre": {}, "post": {}})
            suite[condition.phase.value][condition.type] = _settings(condition, base, numbers)
            for other in others:
                _add_override(found.environments, condition, base, other, numbers)
    warnings = _warnings(evaluations, [row["source"] for row in sources.values()])
    return {level: _set(level, found, warnings) for level, found in levels.items() if found.suites}


def newest_rows(
    evaluations: ArrowTable,
) -> Iterator[tuple[ConditionId, bool, Sequence[tuple[Mapping[str, Any], int]]]]:
    """Give each condition's (and its challenger's) newest row per environment, and how many rows that has.

    Rows of one instant are told apart by their id, so that the order of the table does not matter.
    """
    columns = Columns(evaluations, name="evaluation", needed=_WANTED)
    started = columns.instant("started_at")
    candidate = columns.flag("candidate")
    environment, _ = columns.codes("environment")
    ids = evaluations.column("record_id")
    for condition, rows in rows_by_condition(columns):
        for challenger in (False, True):
            own = rows[candidate[rows] == challenger]
            if not len(own):
                continue
            places, counts = [], []
            for code in np.unique(environment[own]):
                of_environment = own[environment[own] == code]
                last = of_environment[started[of_environment] == started[of_environment].max()]
                places.append(min(last.tolist(), key=lambda place: str(ids[place])))
                counts.append(len(of_environment))
            found = evaluations.select(_WANTED).take(pa.array(places)).to_pylist()
            yield condition, challenger, list(zip(found, counts, strict=True))


def first_enforced(evaluations: ArrowTable) -> ArrowTable:
    """Give the first evaluation, by start and id, that was enrolled at some percentage; no row where none was."""
    enforced = evaluations.filter(pc.greater(evaluations.column("percent"), 0.0))
    keys = [("started_at", "ascending"), ("record_id", "ascending")]
    return enforced.take(pc.select_k_unstable(enforced.select(["started_at", "record_id"]), k=1, sort_keys=keys))


def _most_runs_first(
    condition: ConditionId,
    challenger: bool,
    rows: Sequence[tuple[Mapping[str, Any], int]],
    runs: RunsOf | None,
) -> Sequence[tuple[Mapping[str, Any], int]]:
    def count(item: tuple[Mapping[str, Any], int]) -> int:
        row, own = item
        return own if runs is None else runs[condition, challenger, row["environment"]]

    return sorted(rows, key=count, reverse=True)


def _settings(
    condition: ConditionId, row: Mapping[str, Any], numbers: Mapping[str, Mapping[str, float]]
) -> PreSettings:
    common = {
        "required": row["required"],
        "rollout_percent": row["percent"],
        "timeout_s": row["timeout_s"],
        "settings": {name: float(value) for name, value in numbers.get(row["record_id"], {}).items()},
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


def _add_override(
    environments: dict[str, dict[str, Any]],
    condition: ConditionId,
    base: Mapping[str, Any],
    other: Mapping[str, Any],
    numbers: Mapping[str, Mapping[str, float]],
) -> None:
    """Write down what an environment has otherwise than most runs."""
    usual, here = _settings(condition, base, numbers), _settings(condition, other, numbers)
    changed = {
        name: getattr(here, name)
        for name in type(here).model_fields
        if name != "evidence" and getattr(here, name) is not None and getattr(here, name) != getattr(usual, name)
    }
    if changed and other["environment"]:
        actions = environments.setdefault(other["environment"], {"actions": {}})["actions"]
        suite = actions.setdefault(condition.action, {"pre": {}, "post": {}})
        suite[condition.phase.value][condition.type] = changed


def _add_libraries(known: dict[str, str], own: Mapping[str, str], condition: ConditionId) -> None:
    for name, source in own.items():
        if known.setdefault(name, source) != source:
            raise HistoryError(
                f"{condition} was judged with another text of {name} than the conditions beside it; "
                "name the conditions to tune with --conditions"
            )


def _warnings(evaluations: ArrowTable, sources: Sequence[str]) -> tuple[str, ...]:
    warnings = []
    if any("input.custom" in source for source in sources):
        warnings.append(
            "history does not hold the facts.yaml behind input.custom; keep it by naming your ConfigMaps (--conditions)"
        )
    rows = first_enforced(evaluations).select(["incident_id", "bucket"]).to_pylist()
    if any(row["bucket"] != bucket_of(Settings().rollout, row["incident_id"]) for row in rows):
        warnings.append(
            "incidents were dealt with another `rollout` word than the default, which history does not hold; name your "
            "ConfigMaps (--conditions), or enrolled incidents are dealt anew"
        )
    return tuple(warnings)


def _set(level: Level, found: _Found, warnings: tuple[str, ...]) -> ConditionSet:
    return ConditionSet(
        level=level,
        settings=Settings.model_validate(
            {
                "actions": {
                    action: ActionSettings.model_validate(suite) for action, suite in sorted(found.suites.items())
                },
                "environments": found.environments,
            }
        ),
        exact=found.exact,
        candidates=found.candidates,
        libraries=found.libraries,
        warnings=warnings,
    )
