"""Stored looks of one condition as columns: what was said when, in seconds from each evaluation's start.

An answer is a small number instead of a judgement: settling needs no message. The answers are those of that day, or of
another policy that replay's judge was asked for (`answered_by`). Which terms they are settled on is said elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubernaut.errors import HistoryError
from kubernaut.identity import ConditionId
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.verdicts import Attempt, Code, Judgement, Reason, Verdict
from kubernaut_simulator.estimation.columns import NO_INSTANT, Codes, Columns, Flags, Floats
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.folding import FoldingJudge
from kubernaut_simulator.replay.inputs import LookInputs, looks_at
from kubernaut_simulator.replay.looks import LookTimes, Owners
from kubernaut_simulator.replay.recorded_answers import RecordedAnswers
from kubernaut_simulator.replay.tasks import rows_by_condition

Answers = NDArray[np.int8]

_MICROSECONDS = 1e6

_JUDGED = ("facts", "unobserved", "recorded_paths", "result", "reason", "message", "fatal", "policy_digest")
"""What of attempts another policy's answers are found by."""

LOOK_COLUMNS = frozenset(("evaluation_id", "slot", "read_started_at", "read_at", "recorded_at", *_JUDGED))
"""What of attempts any question is answered from; for a history that is loaded for that alone."""


class Answer(IntEnum):
    """What one look said, as far as it matters for settling."""

    PASSED = 0
    NOT_YET = 1
    FATAL = 2
    ERROR = 3
    LIMIT = 4
    """An Error because a limit was hit; of a precondition that may have been its timeout."""
    NOT_RECORDED = 5
    """Another policy reads a fact that history did not keep."""


JUDGEMENTS: Mapping[Answer, Judgement] = {
    Answer.PASSED: Judgement(Code.PASSED, Reason.ALLOWED),
    Answer.NOT_YET: Judgement(Code.FAILED, Reason.NOT_ALLOWED),
    Answer.FATAL: Judgement(Code.FAILED, Reason.FATAL, fatal=True),
    Answer.ERROR: Judgement(Code.ERROR, Reason.POLICY_ERROR),
    Answer.LIMIT: Judgement(Code.ERROR, Reason.LIMIT_EXCEEDED),
    Answer.NOT_RECORDED: Judgement(Code.ERROR, Reason.FACT_NOT_RECORDED),
}
"""The shortest judgement that the engine settles like the recorded one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordedEnds:
    """How the recorded evaluations went, column by column; see `kubernaut.verification.settle.Recorded`.

    Attributes
    ----------
    timeout_s, hold_for_s : array of float64, shape (n,)
    poll_interval_s : array of float64
        NaN means the default schedule.
    settled_s : array of float64
        Read end of the deciding look, from the start.
    observed_s, deadline_s : array of float64
        NaN where the row says nothing.
    verdict : array of int64
        Codes into `VERDICTS`.
    fatal : array of bool
        The recorded reason was fatal.
    """

    timeout_s: Floats
    hold_for_s: Floats
    poll_interval_s: Floats
    settled_s: Floats
    observed_s: Floats
    deadline_s: Floats
    verdict: Codes
    fatal: Flags


VERDICTS = tuple(Verdict)
"""What verdict codes stand for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Timelines:
    """Looks at every evaluation of one condition.

    Attributes
    ----------
    condition : ConditionId
    rows : array of int64, shape (n,)
        Places in the table of evaluations.
    ends : RecordedEnds
    first : array of int64, shape (n + 1,)
        Looks of evaluation i are ``first[i]:first[i + 1]``, in order of slot.
    places : array of int64
        Places in the table of attempts, one per look.
    slot : array of int64
    began_s, read_s : array of float64
        Seconds from the evaluation's start.
    elapsed_s : array of float64
        What the read took.
    answer : array of int8
        Of `Answer`.
    by_record : array of bool, shape (n,)
        The answers are the recorded ones.
    """

    condition: ConditionId
    rows: Codes
    ends: RecordedEnds
    first: Codes
    places: Codes
    slot: Codes
    began_s: Floats
    read_s: Floats
    elapsed_s: Floats
    answer: Answers
    by_record: Flags

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def owner(self) -> Codes:
        """Which evaluation each look belongs to, 0..n-1."""
        return np.repeat(np.arange(len(self.rows)), np.diff(self.first))

    @cached_property
    def skipped(self) -> Flags:
        """Never looked at, whatever the terms."""
        found: Flags = self.ends.verdict == VERDICTS.index(Verdict.SKIPPED)
        return found

    @cached_property
    def not_kept(self) -> Flags:
        """The policy reads a fact that history did not keep, so that it has no answer."""
        found = np.zeros(len(self), bool)
        found[self.owner[self.answer == Answer.NOT_RECORDED]] = True
        return found

    def answered_by(
        self,
        attempts: ArrowTable,
        evaluator: Evaluator,
        policy: CompiledPolicy,
        *,
        settings: Mapping[str, float] | None = None,
        wanted: Flags | None = None,
    ) -> Timelines:
        """Give the same looks as another policy, or the same one with other numbers, answers them.

        A look that was answered by this very policy with these numbers is not judged again.

        Parameters
        ----------
        attempts : Table
            The history's; only this condition's are judged, inputs that `allow` cannot tell apart once.
        settings : mapping of str to float, or None
            What the policy reads as `input.settings`; None means as recorded.
        wanted : array of bool, shape (n,), or None
            Of which evaluations; None means of all.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        rows = np.ones(len(self), bool) if wanted is None else wanted
        looks = np.flatnonzero(rows[self.owner])
        own = looks_at(attempts.select(_JUDGED), self.places[looks])
        inputs, every = LookInputs(own), np.arange(len(looks))
        known = RecordedAnswers(own).usable(inputs, every, policy, settings, in_words=False)
        answer = self.answer.copy()
        answer[looks[known]] = _recorded_answers(own)[known]
        if known.all() and (answer == self.answer).all():
            return self
        with ThreadPoolExecutor(1, thread_name_prefix="judge") as executor:
            judge = FoldingJudge(evaluator, policy, settings=settings, executor=executor)
            codes = judge.answered(judge.ask(inputs, every[~known]))
        answer[looks[~known]] = np.array([_answer_of(judgement) for judgement in judge.dictionary], np.int8)[codes]
        # An evaluation without looks has nothing that shows whose answers it lacks.
        recorded = np.zeros(len(self), bool)
        recorded[self.owner[looks]] = True
        recorded[self.owner[looks[~known]]] = False
        return replace(self, answer=answer, by_record=np.where(rows, recorded, self.by_record))

    def selected(self, wanted: Flags) -> Timelines:
        """Give those of some of the evaluations, with their looks."""
        counts = np.diff(self.first)
        looks = np.repeat(wanted, counts)
        ends = RecordedEnds(**{name: getattr(self.ends, name)[wanted] for name in RecordedEnds.__dataclass_fields__})
        return Timelines(
            condition=self.condition,
            rows=self.rows[wanted],
            ends=ends,
            first=np.concatenate([[0], np.cumsum(counts[wanted])]),
            places=self.places[looks],
            slot=self.slot[looks],
            began_s=self.began_s[looks],
            read_s=self.read_s[looks],
            elapsed_s=self.elapsed_s[looks],
            answer=self.answer[looks],
            by_record=self.by_record[wanted],
        )


def timelines_of(evaluations: ArrowTable, attempts: ArrowTable) -> dict[ConditionId, Timelines]:
    """Lay out the stored looks of a history, condition by condition; challengers are left out.

    Raises
    ------
    HistoryError
        A column that this needs is missing, or an attempt's result is not one of ours.
    """
    columns = Columns(evaluations, name="evaluations", needed=("verdict", "started_at", "read_at", "timeout_s"))
    owners = Owners.of(evaluations, attempts)
    times = LookTimes.of(attempts)
    answers = _recorded_answers(attempts)
    started_us = columns.instant("started_at")
    ends = _recorded_ends(columns)
    current = ~columns.flag("candidate")
    found = {}
    for condition, every in rows_by_condition(columns):
        rows = every[current[every]]
        if not len(rows):
            continue
        first, places = owners.looks_of(rows)
        start = np.repeat(started_us[rows], np.diff(first))
        own = times.take(places)
        found[condition] = Timelines(
            condition=condition,
            rows=rows,
            ends=RecordedEnds(**{name: getattr(ends, name)[rows] for name in RecordedEnds.__dataclass_fields__}),
            first=first,
            places=places,
            slot=own.slot,
            began_s=(own.began_us - start) / _MICROSECONDS,
            read_s=(own.read_us - start) / _MICROSECONDS,
            elapsed_s=(own.read_us - own.began_us) / _MICROSECONDS,
            answer=answers[places],
            by_record=np.ones(len(rows), bool),
        )
    return found


def _recorded_ends(columns: Columns) -> RecordedEnds:
    started = columns.instant("started_at")

    def offset_s(name: str) -> Floats:
        instants = columns.instant(name)
        return np.where(instants == NO_INSTANT, np.nan, (instants - started) / _MICROSECONDS)

    codes, words = columns.codes("verdict")
    return RecordedEnds(
        timeout_s=columns.number("timeout_s"),
        hold_for_s=columns.number("hold_for_s", 0.0),
        poll_interval_s=columns.number("poll_interval_s"),
        settled_s=offset_s("read_at"),
        observed_s=offset_s("observed_until"),
        deadline_s=offset_s("deadline"),
        verdict=np.array([VERDICTS.index(Verdict(word)) for word in words], np.int64)[codes],
        fatal=columns.equals("reason", (Reason.FATAL.value,)),
    )


def _recorded_answers(attempts: ArrowTable) -> Answers:
    columns = Columns(attempts, name="attempts", needed=("result", "reason"))
    codes, words = word_codes(columns, "result")
    answers = _meanings(words)[codes] if len(words) else np.zeros(0, np.int8)
    answers[columns.flag("fatal") & (answers == Answer.NOT_YET)] = Answer.FATAL
    codes, words = word_codes(columns, "reason")
    limit = np.array([word == Reason.LIMIT_EXCEEDED.value for word in words], bool)
    if limit.any():
        answers[limit[codes] & (answers == Answer.ERROR)] = Answer.LIMIT
    return answers


def word_codes(columns: Columns, name: str) -> tuple[Codes, list[str]]:
    """Give a text column's codes without spelling millions of texts out."""
    encoded = columns.arrow(name)
    if not pa.types.is_dictionary(encoded.type) or encoded.null_count:
        return columns.codes(name)
    return np.asarray(encoded.indices, np.int64), encoded.dictionary.to_pylist()


def _meanings(words: Sequence[str]) -> Answers:
    known = {
        Attempt.PASSED.value: Answer.PASSED,
        Attempt.NOT_YET.value: Answer.NOT_YET,
        Attempt.FAILED.value: Answer.NOT_YET,
        Attempt.ERROR.value: Answer.ERROR,
    }
    unknown = [word for word in words if word not in known]
    if unknown:
        raise HistoryError(f"attempts with the result {unknown[0]!r}; known are {', '.join(known)}")
    return np.array([known[word] for word in words], np.int8)


def _answer_of(judgement: Judgement) -> Answer:
    if judgement.code is Code.PASSED:
        return Answer.PASSED
    if judgement.code is Code.FAILED:
        return Answer.FATAL if judgement.fatal else Answer.NOT_YET
    if judgement.reason is Reason.FACT_NOT_RECORDED:
        return Answer.NOT_RECORDED
    # Here no read was timed, so a limit that was hit is the evaluator's own and no precondition's timeout.
    return Answer.ERROR
