"""Judging recorded looks by one policy, each distinct input once.

History repeats itself: the same Deployment with five ready pods is looked at thousands of times. Two inputs that are
equal on what the policy reads get one evaluation. Two that are equal on what its `allow` and `fatal` read come to the
same: names that only the error message mentions matter to those few looks whose message somebody is shown. Such a look
is answered by another's judgement until it is asked for its own (`ask_own`). What is kept is a digest and an answer per
distinct input, so memory follows the number of distinct inputs and not their size.

Asking and answering are two steps: while a worker judges what was asked, the next inputs are parsed here.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Executor, Future

import numpy as np
from numpy.typing import NDArray

from kubernaut.policy.batch import Evaluator, TextBatch, VerdictBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.input_text import UnusableInputError, unusable
from kubernaut.verdicts import Judgement, Reason
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.documents import Documents, WholeText
from kubernaut_simulator.replay.inputs import InputTexts, LookInputs

CHUNK_INPUTS = 2048
"""Inputs held as Python objects at once, and handed to the evaluator together."""

CHUNKS_AHEAD = 2
"""Chunks that may wait for the evaluator."""

_PENDING = -1

_SAME_FOR_ALL = frozenset(
    (
        Reason.ALLOWED,
        Reason.POLICY_ERROR,
        Reason.NON_BOOLEAN_RESULT,
        Reason.FACT_UNOBSERVED,
        Reason.FACT_NOT_RECORDED,
    )
)
"""Reasons whose whole judgement follows from what `allow` reads, or from what was not seen."""


class FoldingJudge:
    """Judges looks by one policy and remembers what it has judged.

    Parameters
    ----------
    evaluator : Evaluator
    policy : CompiledPolicy
    settings : mapping of str to float, or None
        What the policy reads as `input.settings`; None means as recorded.
    fold : bool
        False judges every look, for comparison.
    executor : Executor or None
        Runs the evaluator beside the caller; None: when it is asked.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        policy: CompiledPolicy,
        *,
        settings: Mapping[str, float] | None = None,
        fold: bool = True,
        executor: Executor | None = None,
    ) -> None:
        self._evaluator = evaluator
        self._policy = policy
        self._documents = Documents(policy, settings=settings)
        self._fold = fold
        self._executor = executor
        # A distinct input has a number; the code of its answer stands at that place once it is there.
        self._codes: list[int] = []
        self._input_of_digest: dict[bytes, int] = {}
        self._shared: dict[bytes, int] = {}
        self._given: dict[Judgement, int] = {}
        self._texts: list[str] = []
        self._numbers: list[int] = []
        self._waiting: deque[tuple[list[int], Future[VerdictBatch]]] = deque()
        self._code_of_judgement: dict[Judgement, int] = {}
        self._judgements: list[Judgement] = []
        self.judged = 0
        """Inputs that went through the evaluator."""

    @property
    def dictionary(self) -> list[Judgement]:
        """The distinct answers so far, by code."""
        return list(self._judgements)

    def answers(self, looks: ArrowTable, *, own: bool = False) -> NDArray[np.int32]:
        """Judge looks at once: `ask`, or `ask_own`, then `answered`; see `LookInputs` for the columns."""
        inputs = LookInputs(looks)
        return self.answered(self._asked(inputs, inputs.codes, own=own))

    def ask(self, inputs: LookInputs, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Hand over looks to be judged.

        Parameters
        ----------
        inputs : LookInputs
        places : array of int64, shape (n,)
            Which of them.

        Returns
        -------
        array of int64, shape (n,)
            For `answered`.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        return self._asked(inputs, inputs.codes[places], own=False)

    def ask_own(self, inputs: LookInputs, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Hand over looks to be judged each by all that the policy reads, message included; as `ask` otherwise."""
        return self._asked(inputs, inputs.codes[places], own=True)

    def number_of(self, judgement: Judgement) -> int:
        """Number an answer that is known without judging, for `answered`."""
        number = self._given.get(judgement)
        if number is None:
            number = self._given[judgement] = self._new(judgement)
        return number

    def by_another(self, codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Say which answers to `ask` may be those of another input, so that only code and `fatal` are the look's own.

        Parameters
        ----------
        codes : array of int32, shape (n,)
            From `answered`.
        """
        if not self._fold or not self._documents.shares:
            return np.zeros(len(codes), bool)
        differs = np.array([judgement.reason not in _SAME_FOR_ALL for judgement in self._judgements], bool)
        found: NDArray[np.bool_] = differs[codes]
        return found

    def answered(self, asked: NDArray[np.int64]) -> NDArray[np.int32]:
        """Wait for the answers to what was asked.

        Returns
        -------
        array of int32, shape (n,)
            Codes into `dictionary`. Passed, Failed, Error and `fatal` are right for every look; the message may be
            that of a look which `allow` cannot tell from it, where `by_another` says so.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        self._hand_over()
        while self._waiting:
            self._take_answers()
        return np.asarray(self._codes, np.int32)[asked]

    def _asked(self, inputs: LookInputs, codes: NDArray[np.int64], *, own: bool) -> NDArray[np.int64]:
        if not self._fold:
            return self._numbered_each(inputs, codes, own=own)
        wanted, of_look = np.unique(codes, return_inverse=True)
        return self._numbered_each(inputs, wanted, own=own)[of_look]

    def _numbered_each(self, inputs: LookInputs, codes: NDArray[np.int64], *, own: bool) -> NDArray[np.int64]:
        numbers = np.empty(len(codes), np.int64)
        done = 0
        for texts in inputs.texts(codes, chunk=CHUNK_INPUTS):
            numbers[done : done + len(texts)] = [self._number(one, own=own) for one in texts]
            done += len(texts)
            if len(self._texts) >= CHUNK_INPUTS:
                self._hand_over()
        self._hand_over()
        return numbers

    def _number(self, given: InputTexts, *, own: bool) -> int:
        """Number an input; a new one waits to be handed over."""
        facts, unobserved, recorded = given
        kept = self._documents.kept(unobserved, recorded)
        if kept.missing is not None:
            return self.number_of(kept.missing)
        try:
            deciding, whole = self._documents.read(facts, kept)
            if not self._fold:
                return self._judged_by_itself(whole())
            return self._alone(whole()) if deciding is None or own else self._beside(deciding, whole)
        except UnusableInputError as error:
            return self._new(unusable(error))

    def _beside(self, deciding: str, whole: WholeText) -> int:
        """Number an input whose `allow` and `fatal` read less than the policy does: as the first like it."""
        digest = _digest(deciding)
        number = self._shared.get(digest)
        if number is None:
            number = self._shared[digest] = self._alone(whole())
        return number

    def _alone(self, text: str) -> int:
        number, is_new = self._numbered(text)
        if is_new:
            self._enqueue(number, text)
        return number

    def _judged_by_itself(self, text: str) -> int:
        self._codes.append(_PENDING)
        self._enqueue(len(self._codes) - 1, text)
        return len(self._codes) - 1

    def _numbered(self, text: str) -> tuple[int, bool]:
        number = self._input_of_digest.setdefault(_digest(text), len(self._codes))
        if number < len(self._codes):
            return number, False
        self._codes.append(_PENDING)
        return number, True

    def _new(self, judgement: Judgement) -> int:
        self._codes.append(self._code(judgement))
        return len(self._codes) - 1

    def _enqueue(self, number: int, text: str) -> None:
        self._numbers.append(number)
        self._texts.append(text)

    def _hand_over(self) -> None:
        """Give what has gathered to the evaluator, and take what it has answered."""
        if self._texts:
            self.judged += len(self._texts)
            batch, numbers = TextBatch(self._texts), self._numbers
            self._texts, self._numbers = [], []
            if self._executor is None:
                done: Future[VerdictBatch] = Future()
                done.set_result(self._evaluator.evaluate(self._policy, batch))
            else:
                done = self._executor.submit(self._evaluator.evaluate, self._policy, batch)
            self._waiting.append((numbers, done))
        while self._waiting and (len(self._waiting) > CHUNKS_AHEAD or self._waiting[0][1].done()):
            self._take_answers()

    def _take_answers(self) -> None:
        numbers, done = self._waiting.popleft()
        batch = done.result()
        codes = [self._code(judgement) for judgement in batch.dictionary]
        for number, answer in zip(numbers, batch.answers, strict=True):
            self._codes[number] = codes[answer]

    def _code(self, judgement: Judgement) -> int:
        code = self._code_of_judgement.setdefault(judgement, len(self._judgements))
        if code == len(self._judgements):
            self._judgements.append(judgement)
        return code


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
