"""Small histories that can be replayed: runs whose looks say what the one fact `deployment_found` was, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.recorded_set import recorded_sets
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.tuning.deciding import with_settings
from kubernaut_simulator.tuning.tune import compiled

from kubernaut.conditions.settings import PreSettings
from kubernaut.history.ids import policy_id
from kubernaut.history.rows import Outcome, OutcomeSource, PolicyRow, Row, RowKind
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut.policy.compiling import compile_policy
from kubernaut.verdicts import Attempt, Code, Judgement, Reason, Verdict
from kubernaut.verification.settle import Settled, settle
from kubernaut.verification.timeline import Look, Terms

from .rows import ACTION, START, attempt, evaluation, execution, policy, run_key, workflow

PRE = ConditionId(ACTION, Level.STEP, Phase.PRE, "deployment_exists")
POST = ConditionId(ACTION, Level.STEP, Phase.POST, "desired_replicas_running")

REGO = {
    PRE: 'package precondition\n\nimport rego.v1\n\nallow if input.deployment_found\n\nerror_message := "no"\n',
    POST: 'package postcondition\n\nimport rego.v1\n\nallow if input.deployment_found\n\nerror_message := "no"\n',
}

POLLS_S = (1.0, 2.5, 4.75, 8.1, 13.2, 20.8, *(30.8 + 10.0 * n for n in range(9)), 120.0)
"""The default schedule without its jitter, and the deadline."""

_ANSWERS = {
    True: Judgement(Code.PASSED, Reason.ALLOWED, ""),
    False: Judgement(Code.FAILED, Reason.NOT_ALLOWED, "no"),
}


@dataclass(frozen=True, kw_only=True)
class PostRun:
    """A run of one postcondition.

    Attributes
    ----------
    passes_from_s : float or None
        When the fact becomes true; None: never.
    polls_s : sequence of float
        When somebody looks, as long as it is not settled.
    """

    passes_from_s: float | None
    timeout_s: float = 120.0
    hold_for_s: float = 0.0
    polls_s: Sequence[float] = POLLS_S
    good: bool = True

    def found(self, at_s: float) -> bool:
        """Whether a look at that moment finds it."""
        return self.passes_from_s is not None and at_s >= self.passes_from_s

    def looks(self) -> list[Look]:
        """What was seen until it was settled."""
        times_s = sorted({*(one for one in self.polls_s if one < self.timeout_s), self.timeout_s})
        looks = [Look(slot, at_s, at_s + 0.05, _ANSWERS[self.found(at_s)]) for slot, at_s in enumerate(times_s)]
        return looks[: self.settled_by(looks).attempts]

    def settled_by(self, looks: Sequence[Look]) -> Settled:
        """What the engine made of it then."""
        return settle(looks, Terms(self.timeout_s, self.hold_for_s))


@dataclass(frozen=True, kw_only=True)
class FactRun:
    """A run of one incident.

    Attributes
    ----------
    found : mapping of ConditionId to bool
        Of preconditions: whether their look finds it.
    post : PostRun or None
    """

    found: Mapping[ConditionId, bool] = field(default_factory=dict)
    post: PostRun | None = None
    good: bool = True
    source: OutcomeSource = OutcomeSource.ALERT


def fact_history(runs: Sequence[FactRun], **changes: Any) -> History:
    """Give the history of some runs, one a minute, looked at two days after; `changes` go into the evaluations."""
    judged = sorted({name for run in runs for name in run.found})
    rows: list[Row] = [_policy(condition, REGO[PRE]) for condition in judged]
    if any(run.post for run in runs):
        rows.append(_policy(POST, REGO[POST]))
    for n, run in enumerate(runs):
        for condition, found in run.found.items():
            rows += _pre_rows(n, condition, changes, found=found)
        if run.post is not None:
            rows += _post_rows(n, run.post, changes)
        ended = START + timedelta(minutes=n, seconds=121)
        outcome = Outcome.EFFECTIVE if run.good else Outcome.INEFFECTIVE
        rows.append(execution(n, finished_at=ended))
        rows.append(workflow(n, outcome=outcome, outcome_source=run.source, finished_at=ended))
    last = max(row.recorded_at for row in rows)
    return History.from_rows([replace(rows[0], recorded_at=last + timedelta(hours=48)), *rows[1:]])


def post_history(runs: Sequence[PostRun], **changes: Any) -> History:
    """Give the history of some runs of a postcondition."""
    return fact_history([FactRun(post=run, good=run.good) for run in runs], **changes)


def pre_history(
    runs: Sequence[tuple[bool, bool]], *, source: OutcomeSource = OutcomeSource.ALERT, **changes: Any
) -> History:
    """Give the history of some runs of a precondition: (was it found, did the run do good)."""
    return fact_history([FactRun(found={PRE: found}, good=good, source=source) for found, good in runs], **changes)


def conditions_of(history: History) -> Conditions:
    """Give the conditions as they were last recorded, compiled."""
    return compiled(recorded_sets(history.evaluations, history.attempts, history.policies))


def changed_tables(history: History, **tables: Any) -> History:
    """Give the same history with other tables, named by kind."""
    kept = {kind: history.table(kind) for kind in RowKind}
    return History(kept | {RowKind(name): table for name, table in tables.items()})


def shuffled(table: Any, *, seed: int) -> Any:
    """Give a table's rows in another order."""
    return table.take(pa.array(np.random.default_rng(seed).permutation(len(table))))


def with_terms(conditions: Conditions, condition: ConditionId, **changes: Any) -> Conditions:
    """Give the same conditions, one of them under other settings (by field name)."""
    level = conditions[condition.level]
    current = level.texts.settings.effective(condition)
    if current is None:
        raise KeyError(str(condition))
    fields = {name: getattr(current, name) for name in type(current).model_fields}
    settings: PreSettings = type(current)(**{**fields, **changes})
    changed = level.texts.settings.with_condition(condition, settings)
    return {**conditions, condition.level: with_settings(level, changed)}


def _policy(condition: ConditionId, source: str) -> PolicyRow:
    digest = _digest(condition)
    return policy(
        record_id=policy_id(condition, digest=digest),
        digest=digest,
        level=condition.level,
        phase=condition.phase,
        type=condition.type,
        source=source,
    )


def _digest(condition: ConditionId) -> str:
    return compile_policy(REGO[POST if condition.phase is Phase.POST else PRE], name="test", libraries={}).digest


def _of(condition: ConditionId) -> dict[str, Any]:
    named: dict[str, Any] = {"level": condition.level, "phase": condition.phase, "type": condition.type}
    return {**named, "policy_digest": _digest(condition)}


def _pre_rows(n: int, condition: ConditionId, changes: Mapping[str, Any], *, found: bool) -> list[Row]:
    parts = condition.level, condition.phase, condition.type
    evaluation_id = run_key(n).evaluation_id(*parts)
    failed = {} if found else {"verdict": Verdict.FAILED, "reason": Reason.NOT_ALLOWED.value, "message": "no"}
    return [
        attempt(
            n,
            **_of(condition),
            record_id=run_key(n).attempt_id(*parts, slot=0),
            evaluation_id=evaluation_id,
            facts={"deployment_found": found},
            result=Attempt.PASSED if found else Attempt.FAILED,
        ),
        evaluation(n, **{**_of(condition), "record_id": evaluation_id, "target_name": f"web-{n}", **failed, **changes}),
    ]


def _post_rows(n: int, run: PostRun, changes: Mapping[str, Any]) -> list[Row]:
    at = START + timedelta(minutes=n)
    looks = run.looks()
    settled = run.settled_by(looks)
    key = run_key(n)
    evaluation_id = key.evaluation_id(Level.STEP, Phase.POST, POST.type)

    def moment(offset_s: float | None) -> datetime | None:
        return None if offset_s is None else at + timedelta(seconds=offset_s)

    rows: list[Row] = [
        attempt(
            n,
            **_of(POST),
            slot=look.slot,
            record_id=key.attempt_id(Level.STEP, Phase.POST, POST.type, slot=look.slot),
            evaluation_id=evaluation_id,
            read_started_at=moment(look.began_s),
            read_at=moment(look.read_s),
            recorded_at=moment(look.read_s),
            facts={"deployment_found": run.found(look.began_s)},
            result=Attempt.PASSED if run.found(look.began_s) else Attempt.NOT_YET,
        )
        for look in looks
    ]
    row = evaluation(
        n,
        **_of(POST),
        target_name=f"web-{n}",
        record_id=evaluation_id,
        verdict=settled.verdict,
        reason=settled.reason.value,
        message=settled.message,
        read_at=moment(settled.settled_s),
        recorded_at=moment(settled.settled_s),
        elapsed_s=settled.settled_s,
        deadline=moment(settled.deadline_s),
        timeout_s=run.timeout_s,
        hold_for_s=run.hold_for_s,
        held_since=moment(settled.held_since_s),
        time_to_pass_s=settled.time_to_pass_s,
        time_to_pass_lower_s=settled.time_to_pass_lower_s,
        observed_until=moment(looks[-1].read_s),
        attempts=settled.attempts,
    )
    return [*rows, replace(row, **changes)]
