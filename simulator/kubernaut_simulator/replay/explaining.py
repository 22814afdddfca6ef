"""Why one recorded evaluation came out as it did: the same replay as for a million, told look by look.

Judging and settling are those of `replaying`, on the rows of one evaluation; what is added is what a person asks next:
what the policy saw, which line did not hold, and what differs from the record. How that is printed is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kubernaut.errors import HistoryError
from kubernaut.history.rows import AttemptRow, EvaluationRow, RowKind
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.tracing import Trace, explain
from kubernaut.verdicts import Attempt, Code, Judgement, Reason
from kubernaut.verification.precondition import attempt_of
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.columns import rows_in
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.facts_read import FactRead, facts_read
from kubernaut_simulator.replay.finding_records import find_record, rows_with
from kubernaut_simulator.replay.folding import FoldingJudge
from kubernaut_simulator.replay.replayed_table import Source
from kubernaut_simulator.replay.replaying import replay_evaluations
from kubernaut_simulator.replay.tasks import Conditions, Task, recorded_tasks, tasks_by

_UNTRACED = frozenset({Reason.LIMIT_EXCEEDED, Reason.FACT_UNOBSERVED, Reason.FACT_NOT_RECORDED})
"""Of errors: the policy was not run, or must not be run in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLook:
    """One look, judged again.

    Attributes
    ----------
    recorded : AttemptRow
    offset_s : float
        When its read began, in seconds from the evaluation's start; the deadline is held against that.
    judgement : Judgement
        What the policy says now.
    counted : bool
        False for looks after the verdict, or beyond the deadline.
    """

    recorded: AttemptRow
    offset_s: float
    judgement: Judgement
    counted: bool

    @property
    def result(self) -> Attempt:
        """What the look comes to now."""
        return attempt_of(self.judgement, precondition=self.recorded.phase is Phase.PRE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One evaluation, judged again.

    Attributes
    ----------
    recorded : EvaluationRow
    now : EvaluationRow
        The same with what the engine says now.
    source : Source
        Where the verdict in `now` comes from.
    why_not : str
        Why the record cannot answer; empty when it can.
    policy : CompiledPolicy or None
        None when its source is not in the history or does not load; `why_not` then says so.
    settings : mapping or None
        Numbers that replaced the recorded ones.
    looks : tuple of ExplainedLook
        All of them, in order.
    told : ExplainedLook or None
        The look that facts and line are told of: the one asked for, else the last that counted and did not pass, else
        the last that counted.
    facts : tuple of FactRead
        Of that look.
    trace : Trace or None
        Of that look; None when it passed, or when the policy was not run.
    """

    recorded: EvaluationRow
    now: EvaluationRow
    source: Source
    why_not: str
    policy: CompiledPolicy | None
    settings: Mapping[str, float] | None
    looks: tuple[ExplainedLook, ...]
    told: ExplainedLook | None
    facts: tuple[FactRead, ...]
    trace: Trace | None

    @property
    def differences(self) -> tuple[str, ...]:
        """What is not as it was recorded, one sentence each; empty when nothing differs."""
        return tuple(_differences(self))


def explain_record(
    history: History, record: str, *, evaluator: Evaluator, conditions: Conditions | None = None
) -> Sequence[Explanation]:
    """Judge one record again.

    Parameters
    ----------
    record : str
        The `record_id` of an evaluation or of one of its attempts; a prefix that fits only one is enough.
    conditions : mapping of Level to CompiledSet, or None
        None explains by the recorded policy and terms.

    Returns
    -------
    sequence of Explanation
        One; two where the conditions name a challenger too.

    Raises
    ------
    HistoryError
        No such record, several, an attempt whose evaluation is not there, or conditions that do not name it.
    EvaluatorError
        The evaluator itself is not there.
    """
    kind, record_id = find_record(history, record)
    evaluation_id, slot = record_id, None
    if kind is RowKind.ATTEMPTS:
        attempt = rows_with(history.attempts, "record_id", record_id)
        evaluation_id = str(attempt.column("evaluation_id")[0].as_py())
        slot = int(attempt.column("slot")[0].as_py())
    evaluations = rows_with(history.evaluations, "record_id", evaluation_id)
    if not len(evaluations):
        raise HistoryError(
            f"the evaluation {evaluation_id} that the attempt {record_id} belongs to is not in the history; "
            "its run has not ended, or its file is missing"
        )
    looks = rows_with(history.attempts, "evaluation_id", evaluation_id).sort_by("slot")
    if conditions is None:
        tasks = list(recorded_tasks(evaluations, history.policies))
    else:
        tasks = list(tasks_by(evaluations, conditions))
        if not tasks:
            of_challenger = bool(evaluations.column("candidate")[0].as_py())
            hint = "; a challenger's record is explained by its recorded policy only" if of_challenger else ""
            raise HistoryError(f"the conditions do not name {_row(evaluations).condition}{hint}")
    replayed = replay_evaluations(
        evaluations=evaluations, attempts=looks, policies=history.policies, evaluator=evaluator, conditions=conditions
    ).table
    return [
        _explanation(task, evaluations, replayed.slice(at, 1), looks, slot=slot, evaluator=evaluator)
        for at, task in enumerate(tasks)
    ]


def _explanation(
    task: Task,
    evaluations: ArrowTable,
    replayed: ArrowTable,
    table: ArrowTable,
    *,
    slot: int | None,
    evaluator: Evaluator,
) -> Explanation:
    recorded = _row(evaluations)
    now = _row(replayed.select(evaluations.column_names))
    source = Source(replayed.column("source")[0].as_py())
    why_not = str(replayed.column("why_not")[0].as_py())
    rows = [row for row in rows_in(RowKind.ATTEMPTS, table) if isinstance(row, AttemptRow)]
    if task.policy is None:
        return Explanation(
            recorded=recorded,
            now=now,
            source=source,
            why_not=why_not,
            policy=None,
            settings=task.settings,
            looks=(),
            told=None,
            facts=(),
            trace=None,
        )
    judge = FoldingJudge(evaluator, task.policy, settings=task.settings)
    answers = judge.answers(table, own=True)
    looks = tuple(
        ExplainedLook(
            recorded=row,
            offset_s=(row.read_started_at - recorded.started_at).total_seconds(),
            judgement=judge.dictionary[answer],
            counted=row.slot < now.attempts,
        )
        for row, answer in zip(rows, answers.tolist(), strict=True)
    )
    told = _told(looks, slot)
    facts: JsonObject = {}
    if told is not None:
        facts = {**told.recorded.facts, **({} if task.settings is None else {"settings": dict(task.settings)})}
    return Explanation(
        recorded=recorded,
        now=now,
        source=source,
        why_not=why_not,
        policy=task.policy,
        settings=task.settings,
        looks=looks,
        told=told,
        facts=() if told is None else facts_read(task.policy, told.recorded, facts),
        trace=None if told is None else _trace(task.policy, told, facts),
    )


def _told(looks: Sequence[ExplainedLook], slot: int | None) -> ExplainedLook | None:
    if slot is not None:
        return next((look for look in looks if look.recorded.slot == slot), None)
    counted = [look for look in looks if look.counted] or list(looks)
    if not counted:
        return None
    if counted[-1].judgement.code is not Code.ERROR:
        return counted[-1]
    # An error at the end says little; the last real answer before it says why the condition had not passed.
    return next((look for look in reversed(counted) if look.judgement.code is Code.FAILED), counted[-1])


def _trace(policy: CompiledPolicy, look: ExplainedLook, facts: JsonObject) -> Trace | None:
    if look.judgement.code is Code.PASSED or look.judgement.reason in _UNTRACED:
        return None
    return explain(policy, facts)


def _differences(one: Explanation) -> Iterator[str]:
    if one.policy is not None and one.policy.digest != one.recorded.policy_digest:
        yield f"another policy: recorded {one.recorded.policy_digest[:12]}, now {one.policy.digest[:12]}"
    for name, unit in (("timeout_s", "timeout"), ("hold_for_s", "holdFor")):
        then, now = getattr(one.recorded, name), getattr(one.now, name)
        if then != now:
            yield f"another {unit}: recorded {then:g} s, now {now:g} s"
    if one.source is Source.REPLAYED and one.recorded.verdict is not one.now.verdict:
        yield f"another verdict: recorded {one.recorded.verdict.value}, now {one.now.verdict.value}"
    changed = [look for look in one.looks if look.recorded.result is not look.result]
    if changed:
        first = changed[0]
        yield (
            f"{len(changed)} of {len(one.looks)} looks judged differently, the first at {first.offset_s:.3g} s: "
            f"recorded {first.recorded.result.value}, now {first.result.value}"
        )


def _row(table: ArrowTable) -> EvaluationRow:
    row = next(iter(rows_in(RowKind.EVALUATIONS, table)))
    if not isinstance(row, EvaluationRow):
        raise TypeError("a row of evaluations is an EvaluationRow")
    return row
