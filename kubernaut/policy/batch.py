"""The evaluator seam: `evaluate(policy, InputBatch) -> VerdictBatch`; a single input is the smallest batch.

Rows here, Arrow columns in the simulator, a socket in the worker: whoever has inputs implements `InputBatch`, whoever
can judge implements `Evaluator`. Answers are codes plus a dictionary of messages, so that a million verdicts are a
million bytes and a few strings.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kubernaut.facts.snapshot import ReadPath
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.verdicts import Judgement

if TYPE_CHECKING:
    from kubernaut.policy.compiled import CompiledPolicy


class InputBatch(Protocol):
    """Inputs for one policy."""

    def __len__(self) -> int: ...

    def row(self, index: int) -> JsonObject:
        """Give one input document."""
        ...

    def column(self, path: ReadPath) -> Sequence[JsonValue]:
        """Give the values at one path, None where there is none; for columnar evaluators."""
        ...


class RowBatch:
    """Inputs that are Python mappings already."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Sequence[JsonObject]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def row(self, index: int) -> JsonObject:
        """Give one input document."""
        return self._rows[index]

    def column(self, path: ReadPath) -> Sequence[JsonValue]:
        """Give the values at one path, None where there is none."""
        return [_at(row, path) for row in self._rows]


class TextBatch:
    """Inputs that are JSON objects as texts already, cut to what the policy reads: sent on without being read.

    Parameters
    ----------
    texts : sequence of str
        As `json.dumps` writes them, whole numbers without a fraction.
    """

    __slots__ = ("_texts",)

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def text(self, index: int) -> str:
        """Give one input document as it is sent."""
        return self._texts[index]

    def slice(self, start: int, end: int) -> "TextBatch":
        """Give some of them."""
        return TextBatch(self._texts[start:end])

    def row(self, index: int) -> JsonObject:
        """Give one input document."""
        document: JsonObject = json.loads(self._texts[index])
        return document

    def column(self, path: ReadPath) -> Sequence[JsonValue]:
        """Give the values at one path, None where there is none."""
        return [_at(self.row(index), path) for index in range(len(self))]


def _at(value: JsonValue, path: ReadPath) -> JsonValue:
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictBatch:
    """Answers, one per input.

    Attributes
    ----------
    answers : sequence of int, shape (n,)
        Index into `dictionary`.
    dictionary : tuple of Judgement
        The distinct answers.
    """

    answers: Sequence[int]
    dictionary: tuple[Judgement, ...]

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, index: int) -> Judgement:
        return self.dictionary[self.answers[index]]


class Evaluator(Protocol):
    """Whoever can judge inputs by a policy."""

    def evaluate(self, policy: "CompiledPolicy", batch: InputBatch) -> VerdictBatch:
        """Judge every input of the batch; a policy that fails gives `Code.ERROR`, never an exception.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        ...


__all__ = ["Evaluator", "InputBatch", "RowBatch", "TextBatch", "VerdictBatch"]
