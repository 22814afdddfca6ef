"""The questions one asks of a history judged again, each answered by a result object.

They need votes, the window and what could not be replayed, and nothing of how the replaying was done: `Replay`
takes them over by inheritance.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property

from kubernaut_simulator.estimation.votes import Votes
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.drift import DriftResult


class Answers(Result):
    """What can be asked of votes."""

    @property
    @abstractmethod
    def votes(self) -> Votes:
        """One vote per incident and condition."""

    @property
    @abstractmethod
    def window(self) -> str:
        """First and last start of the evaluations, for people."""

    @property
    @abstractmethod
    def not_replayable(self) -> Mapping[str, Mapping[str, int]]:
        """Condition to reason to number of evaluations that could not be replayed."""

    @cached_property
    def _drift(self) -> DriftResult:
        return DriftResult(votes=self.votes, window=self.window, not_replayable=self.not_replayable)

    def drift(self) -> DriftResult:
        """Say whether false stops or time to pass of any condition changed within the window, and when."""
        return self._drift
