"""What recorded looks said, used in place of judging them again by the very policy that said it.

A candidate set usually changes one policy. Whatever is judged by the recorded policy (equal digest: source and helpers)
with the recorded numbers said the same on the same facts, so its attempts are the answers and only the changed
policies are evaluated. An Error that came from that day's evaluator (a limit, a worker that was not there) is no answer
of the policy and is judged again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.verdicts import Attempt, Code, Judgement, Reason
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.replay.folding import FoldingJudge
from kubernaut_simulator.replay.inputs import LookInputs, encoded

OF_THAT_DAY = frozenset((Reason.LIMIT_EXCEEDED, Reason.EVALUATOR_UNAVAILABLE))
"""Reasons that say something of the evaluator then, not of the policy."""

_CODES = {
    Attempt.PASSED: Code.PASSED,
    Attempt.NOT_YET: Code.FAILED,
    Attempt.FAILED: Code.FAILED,
    Attempt.ERROR: Code.ERROR,
}
_SAID = ("result", "reason", "message")


class RecordedAnswers:
    """What looks were answered when they were recorded.

    Parameters
    ----------
    looks : Table, n rows
        With the columns `result`, `reason`, `message`, `fatal` and `policy_digest` of attempts.
    """

    def __init__(self, looks: ArrowTable) -> None:
        self._looks = looks

    @cached_property
    def _said(self) -> tuple[NDArray[np.int64], list[list[str]]]:
        joint = np.asarray(self._looks.column("fatal").combine_chunks(), np.int64)
        words = []
        for name in _SAID:
            column = encoded(self._looks.column(name))
            words.append(column.dictionary.to_pylist())
            joint = joint * max(1, len(column.dictionary)) + np.asarray(column.indices, np.int64)
        return joint, words

    @cached_property
    def _digests(self) -> tuple[NDArray[np.int64], list[str]]:
        column = encoded(self._looks.column("policy_digest"))
        return np.asarray(column.indices, np.int64), column.dictionary.to_pylist()

    def usable(
        self,
        inputs: LookInputs,
        places: NDArray[np.int64],
        policy: CompiledPolicy,
        settings: Mapping[str, float] | None,
        *,
        in_words: bool = True,
    ) -> NDArray[np.bool_]:
        """Say which looks were answered by this policy with these numbers.

        Parameters
        ----------
        inputs : LookInputs
            Of the same looks.
        places : array of int64, shape (n,)
        settings : mapping of str to float, or None
            None means as recorded.
        in_words : bool
            Reason and message are wanted too: a look without a reason, as other tools write them, is then no answer.
        """
        codes, digests = self._digests
        by_it = np.array([one == policy.digest for one in digests], bool)[codes[places]]
        if not by_it.any():
            return by_it
        said, words = self._said
        answers = np.array([one not in OF_THAT_DAY and (bool(one) or not in_words) for one in words[1]], bool)
        found: NDArray[np.bool_] = by_it & answers[(said[places] // len(words[2])) % len(words[1])]
        if settings is not None and _numbers_read(policy) != set():
            at = np.flatnonzero(found)
            found[at] = _same_numbers(inputs, places[at], policy, settings)
        return found

    def judgements(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], Sequence[Judgement]]:
        """Give what looks were answered: codes into distinct judgements."""
        said, words = self._said
        distinct, codes = np.unique(said[places], return_inverse=True)
        found = []
        for one in distinct.tolist():
            rest = one
            texts = []
            for own in reversed(words):
                rest, code = divmod(rest, max(1, len(own)))
                texts.append(own[code])
            message, reason, result = texts
            found.append(Judgement(_CODES[Attempt(result)], Reason(reason), message, fatal=bool(rest)))
        return codes, found


def ask_or_recall(
    judge: FoldingJudge,
    recorded: RecordedAnswers,
    inputs: LookInputs,
    places: NDArray[np.int64],
    *,
    policy: CompiledPolicy,
    settings: Mapping[str, float] | None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Hand over the looks that the record does not answer.

    Returns
    -------
    array of int64, shape (n,)
        For `FoldingJudge.answered`.
    array of bool, shape (n,)
        Which are answered by the record, message included.
    """
    known = recorded.usable(inputs, places, policy, settings)
    numbers = np.empty(len(places), np.int64)
    codes, said = recorded.judgements(places[known])
    numbers[known] = np.array([judge.number_of(one) for one in said], np.int64)[codes]
    numbers[~known] = judge.ask(inputs, places[~known])
    return numbers, known


def _numbers_read(policy: CompiledPolicy) -> set[str] | None:
    """Give the names under `input.settings` that a policy reads; None: all of them."""
    if any(not path or path == ("settings",) for path in policy.reads):
        return None
    return {path[1] for path in policy.reads if path[0] == "settings"}


def _same_numbers(
    inputs: LookInputs, places: NDArray[np.int64], policy: CompiledPolicy, settings: Mapping[str, float]
) -> NDArray[np.bool_]:
    """Say which looks saw these numbers: taken out of the facts' texts without parsing the rest of them."""
    which, words = inputs.facts_of(places)
    # The policy was given numbers, so where the name stands once it is theirs.
    once = pc.equal(pc.count_substring(words, '"settings":'), 1)
    taken = pc.struct_field(pc.extract_regex(words, r'"settings":(?P<numbers>\{[^{}]*\})'), "numbers")
    texts = pc.dictionary_encode(pc.if_else(once, taken, pa.scalar(None, pa.string())), null_encoding="encode")
    names = _numbers_read(policy)
    same = np.array([_equal(text, settings, names) for text in texts.dictionary.to_pylist()], bool)
    found: NDArray[np.bool_] = same[np.asarray(texts.indices, np.int64)][which]
    return found


def _equal(text: str | None, settings: Mapping[str, float], names: set[str] | None) -> bool:
    if text is None:
        return False
    recorded: dict[str, Any] = json.loads(text)
    wanted: Mapping[str, Any] = settings
    if names is not None:
        recorded = {name: value for name, value in recorded.items() if name in names}
        wanted = {name: value for name, value in settings.items() if name in names}
    # True is 1 to Python and not to Rego.
    return recorded == wanted and not any(isinstance(value, bool) for value in recorded.values())
