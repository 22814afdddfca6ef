"""Judging recorded looks by one policy, each distinct input once.

History repeats itself: the same Deployment with five ready pods is looked at thousands of times. Inputs that are equal
on the paths that the policy reads get one evaluation. What is kept is a digest and an answer per distinct input, so
memory follows the number of distinct inputs and not their size.

Asking and answering are two steps: while a worker judges what was asked, the next inputs are parsed here.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kubernaut.facts.snapshot import ReadPath, Snapshot, Unobserved, UnobservedReason, parse_path
from kubernaut.json_types import JsonObject
from kubernaut.judging import missing_fact
from kubernaut.policy.batch import Evaluator, RowBatch, VerdictBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.projecting import projection
from kubernaut.verdicts import Judgement
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.inputs import InputTexts, LookInputs

CHUNK_INPUTS = 2048
"""Inputs held as Python objects at once."""

CHUNKS_AHEAD = 2
"""Chunks that may wait for the evaluator."""

_REASONS = frozenset(reason.value for reason in UnobservedReason)


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
        self._settings = None if settings is None else dict(settings)
        self._project = projection(policy.reads)
        self._fold = fold
        self._executor = executor
        # A distinct input has a number; its answer stands at that place once it is there.
        self._input_of_digest: dict[bytes, int] = {}
        self._answers: list[int] = []
        self._missing: dict[tuple[str, str | None], int | None] = {}
        self._waiting: deque[tuple[list[int], Future[VerdictBatch]]] = deque()
        self._code_of_judgement: dict[Judgement, int] = {}
        self.judged = 0
        """Inputs that went through the evaluator."""

    @property
    def dictionary(self) -> list[Judgement]:
        """The distinct answers so far, by code."""
        return list(self._code_of_judgement)

    def answers(self, looks: ArrowTable) -> NDArray[np.int32]:
        """Judge looks at once; see `LookInputs` for the columns and `answered` for what comes back."""
        inputs = LookInputs(looks)
        return self.answered(self.ask(inputs, np.arange(len(inputs.codes))))

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
        codes = inputs.codes[places]
        if not self._fold:
            return np.array(
                [one for texts in inputs.texts(codes, chunk=CHUNK_INPUTS) for one in self._numbers(texts)], np.int64
            )
        wanted, of_look = np.unique(codes, return_inverse=True)
        numbers = np.fromiter(
            (one for texts in inputs.texts(wanted, chunk=CHUNK_INPUTS) for one in self._numbers(texts)),
            np.int64,
            len(wanted),
        )
        return numbers[of_look]

    def answered(self, asked: NDArray[np.int64]) -> NDArray[np.int32]:
        """Wait for the answers to what was asked.

        Returns
        -------
        array of int32, shape (n,)
            Codes into `dictionary`.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        while self._waiting:
            self._take_answers()
        return np.asarray(self._answers, np.int32)[asked]

    def _numbers(self, inputs: Sequence[InputTexts]) -> list[int]:
        """Number some inputs, and hand over those that are new."""
        numbers: list[int] = []
        fresh: list[int] = []
        documents: list[JsonObject] = []
        for facts, unobserved, recorded in inputs:
            key = (unobserved, recorded)
            if key not in self._missing:
                self._missing[key] = self._missing_number(unobserved, recorded)
            number = self._missing[key]
            if number is None:
                document = self._document(facts)
                number, is_new = self._numbered(document)
                if is_new:
                    fresh.append(number)
                    documents.append(document)
            numbers.append(number)
        if fresh:
            self._hand_over(fresh, documents)
        return numbers

    def _document(self, facts: str) -> JsonObject:
        tree = json.loads(facts)
        if self._settings is not None:
            tree["settings"] = self._settings
        return self._project(tree)

    def _numbered(self, document: JsonObject) -> tuple[int, bool]:
        if self._fold:
            # Facts are canonical texts, so equal documents have their keys in one order.
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            number = self._input_of_digest.setdefault(digest, len(self._answers))
            if number < len(self._answers):
                return number, False
        self._answers.append(-1)
        return len(self._answers) - 1, True

    def _missing_number(self, unobserved: str, recorded: str | None) -> int | None:
        """Give the answer's number where a fact that the policy reads is missing, else None."""
        snapshot = Snapshot(
            facts={}, unobserved=_unobserved(json.loads(unobserved)), recorded=self._recorded_paths(recorded)
        )
        judgement = missing_fact(self._policy, snapshot)
        if judgement is None:
            return None
        self._answers.append(self._code(judgement))
        return len(self._answers) - 1

    def _recorded_paths(self, text: str | None) -> tuple[ReadPath, ...] | None:
        if text is None:
            return None
        paths = {parse_path(path) for path in json.loads(text)}
        return tuple(sorted(paths if self._settings is None else {*paths, ("settings",)}))

    def _hand_over(self, numbers: list[int], documents: list[JsonObject]) -> None:
        self.judged += len(documents)
        batch = RowBatch(documents)
        if self._executor is None:
            done: Future[VerdictBatch] = Future()
            done.set_result(self._evaluator.evaluate(self._policy, batch))
        else:
            done = self._executor.submit(self._evaluator.evaluate, self._policy, batch)
        self._waiting.append((numbers, done))
        while len(self._waiting) > CHUNKS_AHEAD or (self._waiting and self._waiting[0][1].done()):
            self._take_answers()

    def _take_answers(self) -> None:
        numbers, done = self._waiting.popleft()
        batch = done.result()
        codes = [self._code(judgement) for judgement in batch.dictionary]
        for number, answer in zip(numbers, batch.answers, strict=True):
            self._answers[number] = codes[answer]

    def _code(self, judgement: Judgement) -> int:
        return self._code_of_judgement.setdefault(judgement, len(self._code_of_judgement))


def _unobserved(texts: Mapping[str, Any]) -> dict[str, Unobserved]:
    """Read back what `kubernaut.verification.rows` wrote: path to ``Reason: detail``."""
    found = {}
    for path, text in texts.items():
        reason, _, detail = text.partition(": ")
        known = reason in _REASONS
        found[path] = Unobserved(
            UnobservedReason(reason) if known else UnobservedReason.NOT_PROVIDED, detail if known else text
        )
    return found
