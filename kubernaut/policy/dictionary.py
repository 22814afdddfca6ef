"""Judgements collected as indices into the distinct ones: a million answers are a million small numbers."""

from collections.abc import Iterable

from kubernaut.policy.batch import VerdictBatch
from kubernaut.verdicts import Judgement


class DictionaryBuilder:
    """Collects judgements as indices into the distinct ones."""

    __slots__ = ("_answers", "_index")

    def __init__(self) -> None:
        self._answers: list[int] = []
        self._index: dict[Judgement, int] = {}

    def add(self, judgement: Judgement) -> None:
        """Add the next judgement."""
        self._answers.append(self._index.setdefault(judgement, len(self._index)))

    def finish(self) -> VerdictBatch:
        """Give all of them."""
        return VerdictBatch(answers=self._answers, dictionary=tuple(self._index))

    def extend(self, judgements: Iterable[Judgement]) -> None:
        """Add several."""
        for judgement in judgements:
            self.add(judgement)
