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

from kubernaut.errors import HistoryError
from kubernaut.policy.batch import Evaluator
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.votes import LABEL_AGE_S, Votes, cast_votes
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.stored import StoredHistory
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.answers import Answers
from kubernaut_simulator.replay.merging import MergedReplay
from kubernaut_simulator.replay.partitioned import Work, replay_partitions
from kubernaut_simulator.replay.replayed_table import Source
from kubernaut_simulator.replay.replaying import Part, ReplayedEvaluations, Replaying
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.replay.totals import ReplayTotals, totals_of
from kubernaut_simulator.replay.workers import workers_or
from kubernaut_simulator.results.base import CONDITION
from kubernaut_simulator.results.false_stops import TARGET, FalseStopsResult
from kubernaut_simulator.results.timeouts import Population, TimeoutsResult
from kubernaut_simulator.results.wording import grouped, short_names, shown_name

if TYPE_CHECKING:
    from kubernaut_simulator.results.explained import Explained
    from kubernaut_simulator.suites.detection_result import DetectionResult
    from kubernaut_simulator.tuning.result import Tuning
    from kubernaut_simulator.tuning.tune import TuningTerms
    from kubernaut_simulator.whatif.holding_result import HoldingResult

_HOLD_IT = "replay without a scheduler, on less history if it does not fit into memory"

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
class Replay(Answers):
    """A history judged again.

    Attributes
    ----------
    source : History or StoredHistory
        What was replayed.
    conditions : mapping of Level to CompiledSet, or None
        None: each evaluation by its own recorded policy and terms.
    label_age_s : float
        Seconds after an incident's start at which its label is read, once.
    rows : ReplayedEvaluations or None
        Evaluation by evaluation; None of a replay in partitions, which keeps counts and votes.
    merged : MergedReplay or None
        What the partitions of such a replay came to.
    """

    source: History | StoredHistory
    conditions: Conditions | None = None
    label_age_s: float = LABEL_AGE_S
    rows: ReplayedEvaluations | None = None
    merged: MergedReplay | None = None

    @property
    def history(self) -> History:
        """The history, where it is held.

        Raises
        ------
        HistoryError
            It stayed in its files.
        """
        if isinstance(self.source, History):
            return self.source
        raise HistoryError(f"this needs the rows of {self.source}, which stayed in its files; {_HOLD_IT}")

    @property
    def evaluations(self) -> ReplayedEvaluations:
        """Evaluation by evaluation, where they were kept.

        Raises
        ------
        HistoryError
            The replay was in partitions.
        """
        if self.rows is not None:
            return self.rows
        raise HistoryError(f"this needs every replayed evaluation, and only counts and votes were kept; {_HOLD_IT}")

    @cached_property
    def totals(self) -> ReplayTotals:
        """Counts by condition, verdict and reason."""
        return totals_of(self.evaluations) if self.merged is None else self.merged.totals

    @cached_property
    def as_of(self) -> pd.Timestamp:
        """The history's end: the newest instant at which anything was recorded."""
        return self.history.as_of if self.merged is None else self.merged.votes.as_of

    @cached_property
    def votes(self) -> Votes:
        """One vote per incident and condition."""
        if self.merged is not None:
            return self.merged.votes
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
        return self.totals.not_replayable()

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

    def detection(self) -> DetectionResult:
        """Say what each condition is worth: whether it fails where the run did no good, and how much earlier."""
        from kubernaut_simulator.suites.detection_result import detection_of  # noqa: PLC0415 - it knows this class

        return detection_of(self)

    def holding(
        self,
        *,
        holds_s: Sequence[float] | None = None,
        polls_s: Sequence[float] | None = None,
        evaluator: Evaluator | None = None,
    ) -> HoldingResult:
        """Say what another `holdFor`, or a coarser `pollInterval`, would have made of the runs that passed.

        Parameters
        ----------
        holds_s, polls_s : sequence of float, unit s, or None
            Tried beside those in force; None means the usual ones.
        evaluator : Evaluator or None
            Judges the looks again where other conditions were replayed; None starts worker processes for that.

        Raises
        ------
        InputError
            A hold below zero, or an interval that is not above it.
        """
        from kubernaut_simulator.whatif.holding_result import holding_of  # noqa: PLC0415 - it knows this class

        return holding_of(self, holds_s=holds_s, polls_s=polls_s, evaluator=evaluator)

    def explain(self, record: str, *, evaluator: Evaluator | None = None) -> Explained:
        """Say why one record came out as it did, look by look; see `explaining.explain_record`.

        Parameters
        ----------
        record : str
            The `record_id` of an evaluation or attempt, or enough of its beginning.
        evaluator : Evaluator or None
            None starts worker processes.
        """
        from kubernaut_simulator.replay.explaining import explain_record  # noqa: PLC0415 - for one record, not for all
        from kubernaut_simulator.results.explained import Explained  # noqa: PLC0415 - the same

        with workers_or(evaluator) as by:
            found = explain_record(self.history, record, evaluator=by, conditions=self.conditions)
        return Explained(explanations=found)

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
        return tune(self.source, self.conditions, terms=wanted, first=first, evaluator=evaluator, progress=progress)

    @cached_property
    def window(self) -> str:
        """First and last start of the evaluations, for people."""
        first, last = self.totals.started, self.totals.last_started
        if first is None or last is None:
            return "no evaluation"
        return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"

    @property
    def title(self) -> str:
        """What was replayed."""
        by = "the recorded policies" if self.conditions is None else "other conditions"
        return f"Replay of {self.totals.evaluations:,} evaluations by {by}"

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition: evaluations by verdict, how many changed, how many could not be replayed."""
        frame = self.totals.counts.to_pandas()
        frame["condition"] = frame["action"] + "/" + frame["level"] + "/" + frame["phase"] + "/" + frame["type"]
        number = frame["evaluations"]
        replayed = frame["source"] == Source.REPLAYED.value
        frame["changed"] = number * (replayed & (frame["verdict"] != frame["recorded_verdict"]))
        frame["not replayable"] = number * (frame["source"] == Source.NOT_REPLAYABLE.value)
        frame["as recorded"] = number * (frame["source"] == Source.AS_RECORDED.value)
        for verdict in VERDICTS:
            frame[verdict] = number * ((frame["verdict"] == verdict) & (frame["not replayable"] == 0))
        counted = ["evaluations", *VERDICTS, "changed", "as recorded", "not replayable"]
        table: pd.DataFrame = frame.groupby(["condition", "candidate"], sort=True)[counted].sum().reset_index()
        return table

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
        totals = self.totals
        return {
            "window": self.window,
            "replayed": f"{totals.of_source(Source.REPLAYED):,} evaluations, {totals.looks:,} looks, "
            f"{totals.judged:,} distinct inputs judged",
            "as recorded": f"{totals.of_source(Source.AS_RECORDED):,}",
            "not replayable": f"{totals.of_source(Source.NOT_REPLAYABLE):,}",
        }

    @property
    def notes(self) -> Sequence[str]:
        """Why evaluations could not be replayed, and what was left out."""
        notes = grouped(self._said(), conditions=self._names)
        if self.totals.left_out:
            left_out = ", ".join(str(condition) for condition in self.totals.left_out)
            notes.append(f"recorded, but not named by the conditions replayed: {left_out}")
        return notes

    def _said(self) -> Iterator[tuple[str, str]]:
        for condition, reasons in self.not_replayable.items():
            for why, count in sorted(reasons.items(), key=lambda item: -item[1]):
                yield condition, f"{count:,} not replayable: {why}"
        kept = self.totals.counts.group_by(["action", "level", "phase", "type", "candidate", "source", "why_not"])
        counted = kept.aggregate([("evaluations", "sum")]).to_pylist()
        for row in sorted(counted, key=lambda one: (-one["evaluations_sum"], str(one["why_not"]))):
            if row["source"] == Source.AS_RECORDED.value and row["why_not"]:
                name = f"{row['action']}/{row['level']}/{row['phase']}/{row['type']}"
                yield (
                    shown_name(name, candidate=row["candidate"]),
                    f"{row['evaluations_sum']:,} as recorded: {row['why_not']}",
                )

    @property
    def _names(self) -> list[str]:
        data = self.data
        return [
            shown_name(name, candidate=candidate)
            for name, candidate in zip(data[CONDITION], data["candidate"], strict=True)
        ]


def replay(
    history: History | StoredHistory,
    conditions: Conditions | None = None,
    *,
    evaluator: Evaluator | None = None,
    fold: bool = True,
    judge_all: bool = False,
    progress: Progress = silent,
    label_age_s: float = LABEL_AGE_S,
    work: Work | None = None,
) -> Replay:
    """Judge a history again.

    Parameters
    ----------
    history : History or StoredHistory
    conditions : mapping of Level to CompiledSet, or None
        None replays each evaluation by its own recorded policy and terms.
    evaluator : Evaluator or None
        None starts worker processes for this replay, one a core. Partitions have evaluators of their own.
    fold : bool
        Judge equal inputs once.
    judge_all : bool
        Judge also where `conditions` leave a policy and its numbers as recorded. Without it the recorded attempts are
        the answers there, and editing one policy costs the evaluation of that one.
    progress : Progress
    label_age_s : float
        Seconds.
    work : Work or None
        Cut the history into partitions and have a scheduler carry them out; counts and votes are kept, evaluations
        are not. None replays a held history whole, and one in files in partitions here.

    Raises
    ------
    HistoryError
        None of the conditions was ever recorded.
    EvaluatorError
        The evaluator cannot be started.
    SchedulerError
        The scheduler cannot be used.
    """
    if work is not None or isinstance(history, StoredHistory):
        merged = replay_partitions(
            history,
            work or Work(),
            conditions=conditions,
            fold=fold,
            judge_all=judge_all,
            label_age_s=label_age_s,
            progress=progress,
        )
        return Replay(source=history, merged=merged, conditions=conditions, label_age_s=label_age_s)
    part = Part(evaluations=history.evaluations, attempts=history.attempts, policies=history.policies)
    with workers_or(evaluator) as by, Replaying(by, conditions, fold=fold, judge_all=judge_all) as replaying:
        rows = replaying.joined(list(replaying.replay([part], progress=progress)))
    return Replay(source=history, rows=rows, conditions=conditions, label_age_s=label_age_s)
