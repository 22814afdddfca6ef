"""What the gate is asked of each condition, and the how-manieth version of it this is.

A version is a policy with its numbers and times. Those that history was recorded under count, in order of first
appearance: what was tried before has been looked at, whoever looked.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from kubernaut.conditions.compiled_set import filled_settings
from kubernaut.identity import ConditionId
from kubernaut_simulator.estimation.multiplicity import version_of
from kubernaut_simulator.estimation.sequential import Hypothesis
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.recorded_numbers import recorded_numbers
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.tuning.search import Choice

_IDENTITY = ["action", "level", "phase", "type"]
_TERMS = ["policy_digest", "settings_digest", "timeout_s", "hold_for_s"]


def hypotheses_of(
    history: History,
    chosen: Conditions,
    choices: Mapping[ConditionId, Choice],
    gate: pd.DataFrame,
    *,
    target: float,
) -> list[Hypothesis]:
    """Give what is tested: every condition with a vote after the cut, and its challenger.

    Parameters
    ----------
    chosen : mapping of Level to CompiledSet
        With the timeouts that the search has chosen.
    choices : mapping of ConditionId to Choice
    gate : DataFrame
        Votes after the cut.
    target : float
    """
    tested = recorded_versions(history)
    hypotheses = []
    for level in chosen.values():
        for condition in level.policies:
            settings = level.texts.settings.effective(condition)
            if settings is None or not (gate["condition"] == str(condition)).any():
                continue
            for policy, candidate in ((level.policies[condition], False), (level.candidates.get(condition), True)):
                if policy is None:
                    continue
                numbers = filled_settings(policy, settings.settings)
                _, hold_for_s = settings.timing
                now = _version(policy.digest, numbers, settings.timeout_s, hold_for_s)
                hypotheses.append(
                    Hypothesis(
                        condition=str(condition),
                        candidate=candidate,
                        target=target,
                        version=version_of(tested.get(str(condition), []), now),
                        unit=choices[condition].unit,
                    )
                )
    return hypotheses


def recorded_versions(history: History) -> dict[str, list[Hashable]]:
    """Give each condition's recorded versions in order of first appearance; its challengers' are among them."""
    rows: Any = first_rows_of_versions(history.evaluations)
    numbers = recorded_numbers(rows["record_id"].tolist(), history.attempts)
    versions: dict[str, list[Hashable]] = {}
    for row in rows.itertuples(index=False):
        name = f"{row.action}/{row.level}/{row.phase}/{row.type}"
        found = numbers.get(str(row.record_id))
        if found is not None:
            version = _version(str(row.policy_digest), found, float(row.timeout_s), float(row.hold_for_s))
            versions.setdefault(name, []).append(version)
    return versions


def first_rows_of_versions(evaluations: ArrowTable) -> pd.DataFrame:
    """Give the first row of each condition's policy, settings and times, by start and id, in that order."""
    rows: pd.DataFrame = evaluations.select([*_IDENTITY, *_TERMS, "record_id", "started_at"]).to_pandas()
    return rows.sort_values(["started_at", "record_id"]).drop_duplicates([*_IDENTITY, *_TERMS])


def _version(digest: str, numbers: Mapping[str, float], timeout_s: float, hold_for_s: float) -> Hashable:
    return digest, tuple(sorted((name, float(value)) for name, value in numbers.items())), timeout_s, hold_for_s
