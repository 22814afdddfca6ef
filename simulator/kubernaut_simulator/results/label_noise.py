"""Label noise as a result: what wrong labels do to P(F|G), and when it cannot be said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kubernaut.errors import InputError
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.label_noise import Corrected, LabelQuality, corrected_false_stops
from kubernaut_simulator.estimation.labels import INDEPENDENT_SOURCES, Label
from kubernaut_simulator.estimation.rates import Rate, percent, rate
from kubernaut_simulator.estimation.votes import Votes
from kubernaut_simulator.results.base import COLOURS, CONDITION, Result, counts_of
from kubernaut_simulator.results.wording import grouped, how_many, short_names, shown_name

SPECIFICITIES = tuple(round(float(one), 3) for one in np.linspace(0.6, 1.0, 41))
"""At which the sensitivity curve is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionNoise:
    """One condition's labels, and P(F|G) after correction.

    Attributes
    ----------
    condition : str
    candidate : bool
    good_given_failed, good_given_not_failed, failed : Rate
        As labelled, from labels independent of the condition's facts: k of the failed, of the others, failed of all.
    apparent : Rate
        P(F|G) as labelled.
    corrected : Corrected
    dependent : int
        Votes with a label that shares facts with the condition: they can correct nothing.
    """

    condition: str
    candidate: bool
    good_given_failed: Rate
    good_given_not_failed: Rate
    failed: Rate
    apparent: Rate
    corrected: Corrected
    dependent: int

    def under(self, quality: LabelQuality) -> Corrected:
        """Correct the same counts by other error rates."""
        return _corrected(self.good_given_failed, self.good_given_not_failed, quality)


def _corrected(failed: Rate, other: Rate, quality: LabelQuality) -> Corrected:
    return corrected_false_stops(
        good_failed=failed.k, failed=failed.n, good_not_failed=other.k, not_failed=other.n, quality=quality
    )


def condition_noise(votes: pd.DataFrame, quality: LabelQuality) -> ConditionNoise:
    """Correct the votes of one condition, which must all be of it."""
    labelled = votes[votes["label"].notna() & ~votes["verdict"].isin([Verdict.CENSORED.value, Verdict.SKIPPED.value])]
    independent = labelled["label_source"].isin(INDEPENDENT_SOURCES)
    kept = labelled[independent]
    good = (kept["label"] == Label.GOOD.value).to_numpy()
    failed = (kept["verdict"] == Verdict.FAILED.value).to_numpy()
    by_failed = rate(int((good & failed).sum()), int(failed.sum()))
    by_other = rate(int((good & ~failed).sum()), int((~failed).sum()))
    only_dependent = not len(kept) and len(labelled) > 0
    return ConditionNoise(
        condition=str(votes["condition"].iloc[0]),
        candidate=bool(votes["candidate"].iloc[0]),
        good_given_failed=by_failed,
        good_given_not_failed=by_other,
        failed=rate(int(failed.sum()), len(kept)),
        apparent=rate(by_failed.k, by_failed.k + by_other.k),
        corrected=_corrected(
            by_failed, by_other, replace(quality, shares_facts=quality.shares_facts or only_dependent)
        ),
        dependent=int((~independent).sum()),
    )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LabelNoiseResult(Result):
    """P(F|G) of every condition of a replay, corrected for label errors.

    Attributes
    ----------
    votes : Votes
    window : str
    not_replayable : mapping
        Condition to reason to count.
    quality : LabelQuality
        Error rates of the labels, given by the user.
    """

    votes: Votes
    window: str
    not_replayable: Mapping[str, Mapping[str, int]]
    quality: LabelQuality

    @cached_property
    def conditions(self) -> Sequence[ConditionNoise]:
        """The estimates, one per condition; challengers after the current policy."""
        groups = self.votes.data.groupby(["condition", "candidate"], observed=True, sort=True)
        return [condition_noise(part, self.quality) for _, part in groups]

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition; shares 0..1, NaN where nothing can be said."""
        return pd.DataFrame([self._row(one) for one in self.conditions])

    def _row(self, one: ConditionNoise) -> dict[str, Any]:
        found = one.corrected
        name = self._name(one)
        return {
            CONDITION: name,
            **counts_of("P(F)", one.failed, _counted(one.failed)),
            **counts_of("P(G|F) labelled", one.good_given_failed, _counted(one.good_given_failed)),
            **counts_of("P(G|not F) labelled", one.good_given_not_failed, _counted(one.good_given_not_failed)),
            **counts_of("P(F|G) labelled", one.apparent, _counted(one.apparent)),
            "P(G|F) corrected": found.good_given_failed,
            "P(G|not F) corrected": found.good_given_not_failed,
            "P(F|G) corrected": found.estimate,
            "lower 95 %": found.lower,
            "upper 95 %": found.upper,
            "answer": found.text(),
            "method": found.method,
            "dependent labels": one.dependent,
            "not replayable": sum(self.not_replayable.get(name, {}).values()),
        }

    @property
    def columns(self) -> Sequence[str]:
        """What the labels say, and what is true behind them."""
        return [CONDITION, "P(F|G) labelled", "P(G|F) labelled", "P(G|not F) labelled", "answer"]

    @property
    def shares(self) -> Collection[str]:
        """Corrected shares and their limits."""
        return ["P(G|F) corrected", "P(G|not F) corrected", "P(F|G) corrected", "lower 95 %", "upper 95 %"]

    @property
    def counted(self) -> Collection[str]:
        """What the labels say."""
        return ["P(F)", "P(G|F) labelled", "P(G|not F) labelled", "P(F|G) labelled"]

    @property
    def title(self) -> str:
        """What this is."""
        return "Label noise: how often does a condition fail a run that truly did good?"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, the errors assumed and the method."""
        quality = self.quality
        return {
            "window": self.window,
            "counted": "one vote per incident, its first run, with a label independent of the condition; "
            "F = Failed, G = did good",
            "labels": f"{_known(quality.sensitivity, quality.sensitivity_n)} of the truly good are labelled good, "
            f"{_known(quality.specificity, quality.specificity_n)} of the truly bad are labelled bad, "
            "whatever the condition said",
            "method": "Rogan-Gladen in each group, then Bayes; one-sided 95 %, each uncertain part at its own limit",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What could not be corrected, and what does not fit."""
        return grouped(self._said(), conditions=[self._name(one) for one in self.conditions])

    def _said(self) -> Iterator[tuple[str, str]]:
        for one in self.conditions:
            if one.corrected.clipped:
                yield (
                    self._name(one),
                    "a corrected share fell outside 0..1 and was set to the edge: few incidents, labels better than "
                    "stated, or labels that err unequally",
                )
        for one in self.conditions:
            if one.dependent:
                yield self._name(one), f"{one.dependent:,} labels share facts with the condition and were left out"
        for one in self.conditions:
            for why, count in self.not_replayable.get(self._name(one), {}).items():
                yield self._name(one), f"{how_many(count, 'evaluation')} not replayable: {why}"

    def _name(self, one: ConditionNoise) -> str:
        return shown_name(one.condition, candidate=one.candidate)

    def plot(self) -> Any:
        """Give corrected P(F|G) over the specificity of the labels, the error rate that it depends on."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        drawn = [one for one in self.conditions if one.corrected.estimate is not None]
        names = short_names(self._name(one) for one in drawn)
        figure = go.Figure()
        for place, one in enumerate(drawn):
            curve = [one.under(replace(self.quality, specificity=at, specificity_n=None)) for at in SPECIFICITIES]
            shown = [
                (at, found.estimate)
                for at, found in zip(SPECIFICITIES, curve, strict=True)
                if found.estimate is not None and not found.clipped
            ]
            figure.add_scatter(
                x=[at for at, _ in shown],
                y=[value for _, value in shown],
                mode="lines",
                name=f"{names[self._name(one)]} (n={one.failed.n})",
                line={"color": COLOURS[place % len(COLOURS)]},
            )
        figure.add_vline(
            x=self.quality.specificity,
            line_dash="dash",
            annotation_text=f"stated {percent(self.quality.specificity)}",
            annotation_position="top",
        )
        return figure.update_layout(
            title=self.title,
            xaxis={
                "title": "specificity: share of truly bad runs labelled bad (no line: does not fit the data)",
                "tickformat": ".0%",
            },
            yaxis={"title": "P(F|G), corrected", "tickformat": ".0%", "rangemode": "tozero"},
            height=480,
        )


def quality_from(sensitivity: Any, specificity: Any) -> LabelQuality:
    """Take error rates as the user gives them: a share, or (k, n) counted on runs whose truth is known.

    Raises
    ------
    InputError
        One is neither.
    """
    try:
        return LabelQuality.counted(_given(sensitivity), _given(specificity))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"label errors: {error}; give a share (0.95), or k of n counted on runs whose truth is known ((95, 100))"
        ) from error


def _given(value: Any) -> Rate | float:
    if isinstance(value, tuple | list):
        k, n = value
        return rate(int(k), int(n))
    return float(value)


def _known(value: float, n: int | None) -> str:
    return percent(value) + ("" if n is None else f" (counted on {n})")


def _counted(found: Rate) -> str:
    return f"{found.k}/{found.n}" if found.n else "not enough data"
