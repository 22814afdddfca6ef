"""`Replay`: a history judged again, and the questions one asks of it.

Made by `History.replay` or `replay`. False stops and timeouts are estimated here; what follows for the settings is
`kubernaut_simulator.tuning`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from kubernaut.history.rows import RowKind
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.worker.pool import WorkerPool
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.votes import LABEL_AGE_S, Votes, cast_votes
from kubernaut_simulator.history.arrow_schema import ArrowTable
from kubernaut_simulator.history.columns import joined
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.newest import newest
from kubernaut_simulator.progress import Progress, silent
from kubernaut_simulator.replay.replayed_table import Source, not_replayable
from kubernaut_simulator.replay.replaying import Part, ReplayedEvaluations, Replaying
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.false_stops import FalseStopsResult
from kubernaut_simulator.results.timeouts import Population, TimeoutsResult

VERDICTS = tuple(verdict.value for verdict in Verdict)

KEPT_COLUMNS = frozenset(
    (
        "recorded_at", "cluster_uid", "incident_id", "workflow_uid", "execution_uid", "step", "purpose", "action",
        "level", "phase", "type", "candidate", "policy_digest", "settings_digest", "validation_enabled", "required",
        "enforced", "bucket", "percent", "p_ran", "overridden", "verdict", "reason", "started_at", "timeout_s",
        "hold_for_s", "time_to_pass_s", "time_to_pass_lower_s", "observed_until", "namespace", "target_kind",
        "target_name", "environment", "source", "why_not", "certain", "recorded_verdict", "recorded_digest",
    )
)  # fmt: skip
"""What stays of an evaluation when a history is replayed in parts."""


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

    def false_stops(self) -> FalseStopsResult:
        """Estimate how often each condition would stop a run that does good."""
        return FalseStopsResult(votes=self.votes, window=self.window, not_replayable=self.not_replayable)

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

    def plot(self) -> Any:
        """Give a chart of verdicts per condition."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        data = self.data
        figure = go.Figure(
            [
                go.Bar(y=data["condition"], x=data[name], name=name, orientation="h")
                for name in (*VERDICTS, "not replayable")
                if data[name].any()
            ]
        )
        return figure.update_layout(barmode="stack", title=self.title, xaxis_title="evaluations")

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
        notes = [
            f"{condition}: {count:,} not replayable: {why}"
            for condition, reasons in self.not_replayable.items()
            for why, count in sorted(reasons.items(), key=lambda item: -item[1])
        ]
        if self.evaluations.left_out:
            left_out = ", ".join(str(condition) for condition in self.evaluations.left_out)
            notes.append(f"recorded, but not named by the conditions replayed: {left_out}")
        uncertain = int(pc.sum(pc.invert(self.evaluations.table.column("certain"))).as_py() or 0)
        if uncertain:
            notes.append(
                f"{uncertain:,} verdicts are uncertain: the new deadline lies between the last look and the first pass"
            )
        return notes


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
    with _evaluator(evaluator) as by, Replaying(by, conditions, fold=fold) as replaying:
        evaluations = replaying.joined(list(replaying.replay([part], progress=progress)))
    return Replay(history=history, evaluations=evaluations, conditions=conditions, label_age_s=label_age_s)


def replay_parts(
    parts: Iterable[History],
    conditions: Conditions | None = None,
    *,
    evaluator: Evaluator | None = None,
    fold: bool = True,
    progress: Progress = silent,
    label_age_s: float = LABEL_AGE_S,
) -> Replay:
    """Judge a history again that is too large to be held, part by part; what is judged in one is known in the next.

    Parameters
    ----------
    parts : iterable of History
        Each with its evaluations' attempts and policies, e.g. one a week; loaded when it is its turn:
        ``replay_parts(History.load(folder) for folder in folders)``. Incidents may go from one into the next.
        Every row is in one part only, in its newest form.

    Returns
    -------
    Replay
        Its history has no attempts, and of evaluations the columns that estimates need (`KEPT_COLUMNS`).

    Raises
    ------
    HistoryError
        There are no evaluations, or none of the conditions was ever recorded.
    EvaluatorError
        The evaluator cannot be started.
    """
    kept: dict[RowKind, list[ArrowTable]] = {kind: [] for kind in RowKind}

    def taken() -> Iterator[Part]:
        for history in parts:
            for kind in (RowKind.EXECUTIONS, RowKind.WORKFLOWS, RowKind.POLICIES):
                kept[kind].append(history.table(kind))
            yield Part(evaluations=history.evaluations, attempts=history.attempts, policies=history.policies)

    with _evaluator(evaluator) as by, Replaying(by, conditions, fold=fold) as replaying:
        slim = [
            table.select([name for name in table.column_names if name in KEPT_COLUMNS])
            for table in replaying.replay(taken(), progress=progress)
        ]
        evaluations = replaying.joined(slim)
    tables = {kind: newest(joined(kind, tables)).table for kind, tables in kept.items() if tables}
    return Replay(history=History(tables), evaluations=evaluations, conditions=conditions, label_age_s=label_age_s)


@contextmanager
def _evaluator(given: Evaluator | None) -> Iterator[Evaluator]:
    """Give the caller's evaluator, or workers that end with the replay."""
    if given is not None:
        yield given
        return
    with WorkerPool(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1) as own:
        yield own
