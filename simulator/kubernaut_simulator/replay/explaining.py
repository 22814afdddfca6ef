"""Why one recorded evaluation came out as it did: the same replay as for a million, told look by look.

Judging and settling are those of `replaying`, on the rows of one evaluation; what is added is what a person asks next:
what the policy saw, which line did not hold, and what differs from the record. How that is printed is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from kubernaut.errors import HistoryError
from kubernaut.facts.snapshot import ANY, ReadPath, format_path, overlap, parse_path
from kubernaut.history.rows import AttemptRow, EvaluationRow, RowKind
from kubernaut.identity import Phase
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.tracing import Trace, explain
from kubernaut.verdicts import Attempt, Code, Judgement, Reason, Verdict
from kubernaut.verification.precondition import attempt_of
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.columns import rows_in
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.folding import FoldingJudge
from kubernaut_simulator.replay.replayed_table import Source
from kubernaut_simulator.replay.replaying import replay_evaluations
from kubernaut_simulator.replay.tasks import Conditions, Task, recorded_tasks, tasks_by

IDS_SHOWN = 5
"""Of records that a prefix fits, in the message that says it fits several."""

_UNTRACED = frozenset({Reason.LIMIT_EXCEEDED, Reason.FACT_UNOBSERVED, Reason.FACT_NOT_RECORDED})
"""Of errors: the policy was not run, or must not be run in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRead:
    """What a policy found at one path that it reads.

    Attributes
    ----------
    path : str
        Text form; ``pods[*].status`` stands for the elements in order.
    value : JSON
        None when it is null, and when it is not there: `state` tells.
    state : str
        ``value``, ``null``, ``not there``, ``not recorded``, or why it could not be observed.
    """

    path: str
    value: JsonValue
    state: str


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
        attempt = _one(history.attempts, "record_id", record_id)
        evaluation_id = str(attempt.column("evaluation_id")[0].as_py())
        slot = int(attempt.column("slot")[0].as_py())
    evaluations = _one(history.evaluations, "record_id", evaluation_id)
    if not len(evaluations):
        raise HistoryError(
            f"the evaluation {evaluation_id} that the attempt {record_id} belongs to is not in the history; "
            "its run has not ended, or its file is missing"
        )
    looks = _one(history.attempts, "evaluation_id", evaluation_id).sort_by("slot")
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


def find_record(history: History, prefix: str) -> tuple[RowKind, str]:
    """Find the evaluation or attempt whose id starts with `prefix`.

    Raises
    ------
    HistoryError
        None, or more than one.
    """
    found = [
        (kind, record_id)
        for kind in (RowKind.EVALUATIONS, RowKind.ATTEMPTS)
        for record_id in _starting_with(history.table(kind).column("record_id"), prefix)
    ]
    exact = [one for one in found if one[1] == prefix]
    if not found:
        raise HistoryError(
            f"no evaluation and no attempt has an id that starts with {prefix!r}; kubernaut explain --list names them"
        )
    if len(found) > 1 and len(exact) != 1:
        shown = ", ".join(record_id for _, record_id in found[:IDS_SHOWN])
        raise HistoryError(
            f"{len(found)} records have an id that starts with {prefix!r}: {shown}"
            + (", ..." if len(found) > IDS_SHOWN else "")
            + "; write more of it"
        )
    return (exact or found)[0]


def evaluations_like(
    history: History, *, verdict: Verdict | None = None, condition: str = "", limit: int
) -> tuple[list[EvaluationRow], int]:
    """Give the newest evaluations of a kind, so that somebody finds one to ask about.

    Parameters
    ----------
    verdict : Verdict or None
        None means any.
    condition : str
        Part of the condition's text form; empty means any.
    limit : int
        Rows given.

    Returns
    -------
    list of EvaluationRow, int
        The newest first, and how many there are in all.
    """
    table = history.evaluations
    if verdict is not None:
        table = _one(table, "verdict", verdict.value)
    if condition:
        parts = [pc.cast(table.column(name), pa.string()) for name in ("action", "level", "phase", "type")]
        table = table.filter(pc.match_substring(pc.binary_join_element_wise(*parts, "/"), condition))
    newest = table.sort_by([("started_at", "descending"), ("record_id", "ascending")]).slice(0, limit)
    rows = [row for row in rows_in(RowKind.EVALUATIONS, newest) if isinstance(row, EvaluationRow)]
    return rows, len(table)


def facts_read(policy: CompiledPolicy, attempt: AttemptRow, facts: JsonObject) -> tuple[FactRead, ...]:
    """Give what a policy finds at every path that it reads, then what could not be observed among them."""
    kept = None if attempt.recorded_paths is None else [parse_path(path) for path in attempt.recorded_paths]
    paths: Sequence[ReadPath] = [(name,) for name in sorted(facts)] if policy.reads_everything else policy.reads
    read = []
    for path in paths:
        unrecorded = (
            kept is not None
            and path[:1] != ("settings",)
            and not any(len(one) <= len(path) and overlap(one, path) for one in kept)
        )
        if unrecorded:
            read.append(FactRead(path=format_path(path), value=None, state="not recorded"))
        else:
            there, value = _at(facts, path)
            state = ("null" if value is None else "value") if there else "not there"
            read.append(FactRead(path=format_path(path), value=value, state=state))
    missing = {
        text: why
        for text, why in attempt.unobserved.items()
        if any(overlap(path, parse_path(text)) for path in policy.reads)
    }
    return (
        *(one for one in read if one.path not in missing),
        *(FactRead(path=text, value=None, state=why) for text, why in sorted(missing.items())),
    )


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


def _at(value: JsonValue, path: ReadPath) -> tuple[bool, JsonValue]:
    """Give (is it there, value) at a path; `*` gives the list of what its elements have."""
    for depth, part in enumerate(path):
        if part == ANY:
            if isinstance(value, Mapping):
                elements = list(value.values())
            elif isinstance(value, Sequence) and not isinstance(value, str):
                elements = list(value)
            else:
                return False, None
            below = [_at(element, path[depth + 1 :]) for element in elements]
            return True, [found for _, found in below]
        if isinstance(value, Mapping):
            if part not in value:
                return False, None
            value = value[part]
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return False, None
    return True, value


def _one(table: ArrowTable, column: str, value: str) -> ArrowTable:
    return table.filter(pc.equal(pc.cast(table.column(column), pa.string()), value))


def _row(table: ArrowTable) -> EvaluationRow:
    row = next(iter(rows_in(RowKind.EVALUATIONS, table)))
    if not isinstance(row, EvaluationRow):
        raise TypeError("a row of evaluations is an EvaluationRow")
    return row


def _starting_with(ids: Any, prefix: str) -> list[str]:
    found: list[str] = ids.filter(pc.starts_with(ids, prefix)).to_pylist()
    return found
