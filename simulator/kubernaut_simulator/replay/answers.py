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
from kubernaut_simulator.results.label_noise import LabelNoiseResult, quality_from
from kubernaut_simulator.results.selection import SelectionResult


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

    def label_noise(
        self, *, sensitivity: float | tuple[int, int], specificity: float | tuple[int, int]
    ) -> LabelNoiseResult:
        """Correct P(F|G) for labels that err.

        Parameters
        ----------
        sensitivity : float or (k, n)
            Share of truly good runs that are labelled good: taken as known, or counted on runs whose truth somebody
            found out, which brings its own uncertainty along.
        specificity : float or (k, n)
            Share of truly bad runs that are labelled bad.

        Raises
        ------
        InputError
            One is no share.
        """
        return LabelNoiseResult(
            votes=self.votes,
            window=self.window,
            not_replayable=self.not_replayable,
            quality=quality_from(sensitivity, specificity),
        )

    def selection(self) -> SelectionResult:
        """Say what can still be known of false stops where enforcement decides who gets a label."""
        return SelectionResult(votes=self.votes, window=self.window, not_replayable=self.not_replayable)

    @cached_property
    def _drift(self) -> DriftResult:
        return DriftResult(votes=self.votes, window=self.window, not_replayable=self.not_replayable)

    def drift(self) -> DriftResult:
        """Say whether false stops or time to pass of any condition changed within the window, and when."""
        return self._drift
