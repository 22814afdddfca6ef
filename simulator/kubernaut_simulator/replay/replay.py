"""`Replay`: a history judged again, and the questions one asks of it.

Made by `History.replay` or `replay`. False stops and timeouts are estimated here; what follows for the settings is
`kubernaut_simulator.tuning`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow.compute as pc

from kubernaut.history.rows import RowKind
from kubernaut.policy.batch import Evaluator
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.votes import LABEL_AGE_S, Votes, cast_votes
from kubernaut_simulator.history.history import History
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.replayed_table import Source, not_replayable
from kubernaut_simulator.replay.replaying import Part, ReplayedEvaluations, Replaying
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.replay.workers import workers_or
from kubernaut_simulator.results.base import CONDITION, Result
from kubernaut_simulator.results.false_stops import TARGET, FalseStopsResult
from kubernaut_simulator.results.timeouts import Population, TimeoutsResult
from kubernaut_simulator.results.wording import grouped, short_names, shown_name

if TYPE_CHECKING:
    from kubernaut_simulator.tuning.result import Tuning
    from kubernaut_simulator.tuning.tune import TuningTerms

VERDICTS = tuple(verdict.value for verdict in Verdict)

VERDICT_COLOURS = {
    Verdict.PASSED.value: "#009E73",
    Verdict.FAILED.value: "#D55E00",
    Verdict.ERROR.value: "#CC79A7",
    Verdict.CENSORED.value: "#E69F00",
    Verdict.SKIPPED.value: "#7F7F7F",
    "not replayable": "#56B4E9",
}


@dataclass(frozen=True, eq=False, repr=False)
class Replay(Result):
    """A history judged again.

    Attributes
    ----------
    history : History
    evaluations : ReplayedEvaluations
    conditions : mapping of Level to CompiledSet, or None
        None: each evaluation by its own recorded policy and terms.
    label_age_s : float
        Seconds after an incident's start at which its label is read, once.
    """

    history: History
    evaluations: ReplayedEvaluations
    conditions: Conditions | None = None
    label_age_s: float = LABEL_AGE_S

    @cached_property
    def as_of(self) -> pd.Timestamp:
        """The history's end: the newest instant at which anything was recorded."""
        newest = [
            pc.max(self.history.table(kind).column("recorded_at")).as_py()
            for kind in RowKind
            if len(self.history.table(kind))
        ]
        return pd.Timestamp(max(newest))

    @cached_property
    def votes(self) -> Votes:
        """One vote per incident and condition."""
        return cast_votes(
            self.evaluations.table,
            self.history.executions,
            self.history.workflows,
            as_of=self.as_of,
            label_age_s=self.label_age_s,
        )

    @cached_property
    def not_replayable(self) -> Mapping[str, Mapping[str, int]]:
        """Condition to reason to number of evaluations that could not be replayed."""
        return not_replayable(self.evaluations.table)

    def false_stops(self, *, target: float = TARGET) -> FalseStopsResult:
        """Estimate how often each condition would stop a run that does good; `target` is drawn into the chart."""
        return FalseStopsResult(votes=self.votes, window=self.window, not_replayable=self.not_replayable, target=target)

    def timeouts(self, *, share: float = 0.95, population: Population = Population.GOOD) -> TimeoutsResult:
        """Estimate how long postconditions take to pass.

        Parameters
        ----------
        share : float
            Of the runs that shall pass within the timeout, 0..1.
        population : Population
            Good runs choose a timeout; all runs are for looking at, and for history without outcomes.
        """
        return TimeoutsResult(
            votes=self.votes,
            window=self.window,
            not_replayable=self.not_replayable,
            share=share,
            population=population,
        )

    def tune(
        self,
        target: float = TARGET,
        *,
        terms: TuningTerms | None = None,
        evaluator: Evaluator | None = None,
        progress: Progress = silent,
    ) -> Tuning:
        """Say which conditions may be required, with which timeout, and why; see `tuning.tune.tune`.

        Parameters
        ----------
        target : float
            Share of good runs that may be stopped.
        terms : TuningTerms or None
            What else is asked for; None means the defaults. Its own target gives way to `target`.
        evaluator : Evaluator or None
            None starts worker processes.
        progress : Progress

        Notes
        -----
        What was replayed by the recorded policies is tuned by the newest of each condition.
        """
        from kubernaut_simulator.tuning.tune import TuningTerms, tune  # noqa: PLC0415 - it knows this class

        wanted = replace(terms or TuningTerms(), target=target)
        first = None if self.conditions is None else self
        return tune(self.history, self.conditions, terms=wanted, first=first, evaluator=evaluator, progress=progress)

    @cached_property
    def window(self) -> str:
        """First and last start of the evaluations, for people."""
        started = self.evaluations.table.column("started_at")
        if not len(started):
            return "no evaluation"
        ends = pc.min_max(started).as_py()
        return f"{ends['min']:%Y-%m-%d %H:%M} to {ends['max']:%Y-%m-%d %H:%M} UTC"

    @property
    def title(self) -> str:
        """What was replayed."""
        by = "the recorded policies" if self.conditions is None else "other conditions"
        return f"Replay of {self.evaluations.table.num_rows:,} evaluations by {by}"

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition: evaluations by verdict, how many changed, how many could not be replayed."""
        frame = self.evaluations.table.select(
            ["action", "level", "phase", "type", "candidate", "verdict", "recorded_verdict", "source"]
        ).to_pandas()
        for name in ("action", "level", "phase", "type", "verdict", "recorded_verdict", "source"):
            frame[name] = frame[name].astype(str)
        frame["condition"] = frame["action"] + "/" + frame["level"] + "/" + frame["phase"] + "/" + frame["type"]
        replayed = frame["source"] == Source.REPLAYED.value
        frame["changed"] = replayed & (frame["verdict"] != frame["recorded_verdict"])
        frame["not replayable"] = frame["source"] == Source.NOT_REPLAYABLE.value
        frame["as recorded"] = frame["source"] == Source.AS_RECORDED.value
        for verdict in VERDICTS:
            frame[verdict] = (frame["verdict"] == verdict) & ~frame["not replayable"]
        counted = [*VERDICTS, "changed", "as recorded", "not replayable"]
        grouped = frame.groupby(["condition", "candidate"], sort=True)
        table = grouped[counted].sum()
        table.insert(0, "evaluations", grouped.size())
        counted_rows: pd.DataFrame = table.reset_index()
        return counted_rows

    @property
    def columns(self) -> Sequence[str]:
        """All that says something: a column of zeros, or of no challenger, is left out."""
        told = {"evaluations", "Passed", "Failed", "changed", "not replayable"}
        return [name for name in self.data.columns if name in {CONDITION, *told} or self.data[name].any()]

    def plot(self) -> Any:
        """Give a chart of verdicts per condition."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        data = self.data
        shown = self._names
        names = short_names(shown)
        figure = go.Figure(
            [
                go.Bar(
                    y=[names[one] for one in shown],
                    x=data[name],
                    name=name,
                    orientation="h",
                    marker_color=VERDICT_COLOURS[name],
                )
                for name in VERDICT_COLOURS
                if data[name].any()
            ]
        )
        return figure.update_layout(
            barmode="stack",
            title=self.title,
            xaxis_title="evaluations",
            yaxis={"autorange": "reversed"},
            height=160 + 30 * len(shown),
        )

    @property
    def summary(self) -> Mapping[str, str]:
        """Window and what was replayed."""
        table = self.evaluations.table
        sources = pc.value_counts(table.column("source").cast("string")).to_pylist()
        counts = {item["values"]: item["counts"] for item in sources}
        return {
            "window": self.window,
            "replayed": f"{counts.get(Source.REPLAYED.value, 0):,} evaluations, {self.evaluations.looks:,} looks, "
            f"{self.evaluations.judged:,} distinct inputs judged",
            "as recorded": f"{counts.get(Source.AS_RECORDED.value, 0):,}",
            "not replayable": f"{counts.get(Source.NOT_REPLAYABLE.value, 0):,}",
        }

    @property
    def notes(self) -> Sequence[str]:
        """Why evaluations could not be replayed, and what was left out."""
        notes = grouped(self._said(), conditions=self._names)
        if self.evaluations.left_out:
            left_out = ", ".join(str(condition) for condition in self.evaluations.left_out)
            notes.append(f"recorded, but not named by the conditions replayed: {left_out}")
        return notes

    def _said(self) -> Iterator[tuple[str, str]]:
        for condition, reasons in self.not_replayable.items():
            for why, count in sorted(reasons.items(), key=lambda item: -item[1]):
                yield condition, f"{count:,} not replayable: {why}"
        kept = self.evaluations.table.select(["action", "level", "phase", "type", "candidate", "source", "why_not"])
        counted = kept.group_by(kept.column_names).aggregate([([], "count_all")]).to_pylist()
        for row in sorted(counted, key=lambda one: (-one["count_all"], str(one["why_not"]))):
            if row["source"] == Source.AS_RECORDED.value and row["why_not"]:
                name = f"{row['action']}/{row['level']}/{row['phase']}/{row['type']}"
                yield (
                    shown_name(name, candidate=row["candidate"]),
                    f"{row['count_all']:,} as recorded: {row['why_not']}",
                )

    @property
    def _names(self) -> list[str]:
        data = self.data
        return [
            shown_name(name, candidate=candidate)
            for name, candidate in zip(data[CONDITION], data["candidate"], strict=True)
        ]


def replay(
    history: History,
    conditions: Conditions | None = None,
    *,
    evaluator: Evaluator | None = None,
    fold: bool = True,
    progress: Progress = silent,
    label_age_s: float = LABEL_AGE_S,
) -> Replay:
    """Judge a history again.

    Parameters
    ----------
    history : History
    conditions : mapping of Level to CompiledSet, or None
        None replays each evaluation by its own recorded policy and terms.
    evaluator : Evaluator or None
        None starts worker processes for this replay, one a core.
    fold : bool
        Judge equal inputs once.
    progress : Progress
    label_age_s : float
        Seconds.

    Raises
    ------
    HistoryError
        None of the conditions was ever recorded.
    EvaluatorError
        The evaluator cannot be started.
    """
    part = Part(evaluations=history.evaluations, attempts=history.attempts, policies=history.policies)
    with workers_or(evaluator) as by, Replaying(by, conditions, fold=fold) as replaying:
        evaluations = replaying.joined(list(replaying.replay([part], progress=progress)))
    return Replay(history=history, evaluations=evaluations, conditions=conditions, label_age_s=label_age_s)
