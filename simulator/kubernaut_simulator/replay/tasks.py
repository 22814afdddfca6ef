"""What is replayed by what: evaluations grouped by condition, policy and terms.

Without other conditions each evaluation is replayed by the policy and on the terms that were recorded with it, which
must give the recorded verdict again. With other conditions, the set of that level says policy, parameters and times,
per environment; a challenger in the set adds a row of its own beside each evaluation that it is judged on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubernaut.conditions.compiled_set import CompiledSet, filled_settings
from kubernaut.errors import HistoryError, PolicyError
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.compiling import compile_policy
from kubernaut_simulator.estimation.columns import Columns
from kubernaut_simulator.history.arrow_schema import ArrowTable

Conditions = Mapping[Level, CompiledSet]
"""What the operator would load: both levels' conditions, compiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTerms:
    """Times that replace the recorded ones."""

    timeout_s: float
    hold_for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Evaluations that are replayed alike.

    Attributes
    ----------
    rows : array of int64
        Places in the table of evaluations.
    policy : CompiledPolicy or None
        None when it cannot be replayed by any; `why_not` then says why.
    settings : mapping or None
        None means as recorded.
    terms : NewTerms or None
        None means as recorded.
    candidate : bool
        The rows that come out are a challenger's.
    """

    condition: ConditionId
    rows: NDArray[np.int64]
    policy: CompiledPolicy | None
    settings: Mapping[str, float] | None = None
    terms: NewTerms | None = None
    candidate: bool = False
    why_not: str = ""


def recorded_tasks(evaluations: ArrowTable, policies: ArrowTable) -> Iterator[Task]:
    """Give the tasks that replay each evaluation by its own recorded policy."""
    sources = {row["digest"]: row for row in policies.to_pylist()}
    columns = Columns(evaluations, name="evaluation", needed=("policy_digest",))
    digest, digests = columns.codes("policy_digest")
    candidate = columns.flag("candidate")
    for condition, rows in rows_by_condition(columns):
        for code in np.unique(digest[rows]):
            name = digests[code]
            policy, why_not = _recorded_policy(sources.get(name), name)
            for challenger in (False, True):
                own = rows[(digest[rows] == code) & (candidate[rows] == challenger)]
                if len(own):
                    yield Task(condition=condition, rows=own, policy=policy, candidate=challenger, why_not=why_not)


def tasks_by(evaluations: ArrowTable, conditions: Conditions) -> Iterator[Task]:
    """Give the tasks that replay by other conditions; those that the set does not name are left out.

    Notes
    -----
    A challenger is replayed on the looks that were kept for a challenger, where a run has them: only those hold the
    facts that a challenger reads beyond the current policy's.
    """
    columns = Columns(evaluations, name="evaluation", needed=("policy_digest", "execution_uid"))
    environment, environments = columns.codes("environment")
    run, _ = columns.codes("execution_uid")
    of_challenger = columns.flag("candidate")
    for condition, rows in rows_by_condition(columns):
        level = conditions.get(condition.level)
        if level is None or condition not in level.policies:
            continue
        own, beside = rows[~of_challenger[rows]], rows[of_challenger[rows]]
        alone = own[~np.isin(run[own], run[beside])]
        judged = (
            (level.policies[condition], own, False),
            (level.candidates.get(condition), np.sort(np.concatenate([beside, alone])), True),
        )
        for policy, looked_at, challenger in judged:
            if policy is None:
                continue
            for code in np.unique(environment[looked_at]):
                settings = level.texts.settings.effective(condition, environment=environments[code])
                if settings is None:
                    continue
                _, hold_for_s = settings.timing
                yield Task(
                    condition=condition,
                    rows=looked_at[environment[looked_at] == code],
                    policy=policy,
                    settings=filled_settings(policy, settings.settings),
                    terms=NewTerms(timeout_s=settings.timeout_s, hold_for_s=hold_for_s),
                    candidate=challenger,
                )


def rows_by_condition(columns: Columns) -> Iterator[tuple[ConditionId, NDArray[np.int64]]]:
    """Give each condition and the places of its rows, in order of identity."""
    parts = [columns.codes(part) for part in ("action", "level", "phase", "type")]
    joint = np.zeros(columns.rows, np.int64)
    for codes, words in parts:
        joint = joint * max(1, len(words)) + codes
    order = np.argsort(joint, kind="stable")
    _, starts = np.unique(joint[order], return_index=True)
    for rows in np.split(order, starts[1:]) if len(order) else []:
        action, level, phase, type_ = (words[codes[rows[0]]] for codes, words in parts)
        yield ConditionId(action, Level(level), Phase(phase), type_), rows


def nothing_replayed(conditions: Conditions | None) -> HistoryError:
    """Say that no evaluation was replayed."""
    if conditions is None:
        return HistoryError("there is no evaluation to replay")
    wanted = sorted(str(one) for level in conditions.values() for one in level.policies)
    return HistoryError(f"none of the conditions to replay was ever recorded: {', '.join(wanted) or 'none given'}")


def _recorded_policy(row: Mapping[str, object] | None, digest: str) -> tuple[CompiledPolicy | None, str]:
    if row is None:
        return None, "its policy's source is not in the history"
    try:
        libraries = json.loads(str(row["libraries"]))
        return compile_policy(str(row["source"]), name=f"recorded policy {digest[:12]}", libraries=libraries), ""
    except PolicyError as error:
        return None, f"its recorded policy does not load: {error}"
