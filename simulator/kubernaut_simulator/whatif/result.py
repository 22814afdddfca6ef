"""What a what-if comes to: by condition and by workflow, who would be stopped, by what, and whether they did good.

`data` has one row per condition, `workflows` one per workflow, `examples` the records to open with `kubernaut explain`.
A workflow that enforcement would have stopped was in truth let through: its outcome says whether the stop is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kubernaut.errors import InputError
from kubernaut.identity import ConditionId
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats
from kubernaut_simulator.estimation.labels import LABELS, Label
from kubernaut_simulator.estimation.rates import Rate, rate
from kubernaut_simulator.history.history import History
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.results.wording import how_many
from kubernaut_simulator.whatif.accounts import Accounts, accounts
from kubernaut_simulator.whatif.changes import RowTerms
from kubernaut_simulator.whatif.runs import Runs
from kubernaut_simulator.whatif.timelines import VERDICTS

EXAMPLES = 5
"""Records named per condition, unless more are asked for."""

_GOOD, _BAD = LABELS.index(Label.GOOD), LABELS.index(Label.BAD)
_SKIPPED, _CENSORED = VERDICTS.index(Verdict.SKIPPED), VERDICTS.index(Verdict.CENSORED)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class WhatIfResult(Result):
    """A history decided again.

    Attributes
    ----------
    history : History
    runs : Runs
    verdict : array of int64, shape (rows of evaluations,)
        Codes into `VERDICTS`; -1 for challengers' rows.
    settled_s : array of float64
    certain, replayable, not_kept : array of bool
        `not_kept`: not replayable because its policy reads a fact that history did not keep.
    required : array of bool
    percent : array of float64
    enforced : array of bool
        Required, enrolled, switched on and not overridden.
    by_engine : int
        Evaluations that the engine settled one by one.
    terms : mapping of ConditionId to RowTerms
    """

    history: History
    runs: Runs
    verdict: Codes
    settled_s: Floats
    certain: Flags
    replayable: Flags
    not_kept: Flags
    required: Flags
    percent: Floats
    enforced: Flags
    by_engine: int
    terms: Mapping[ConditionId, RowTerms]

    @cached_property
    def stop(self) -> Flags:
        """Failed or Error, row by row, enforced or not; rows that do not count are in it too."""
        failed, error = VERDICTS.index(Verdict.FAILED), VERDICTS.index(Verdict.ERROR)
        found: Flags = (self.verdict == failed) | (self.verdict == error)
        return found

    @cached_property
    def accounts(self) -> Accounts:
        """What enforcement does to each workflow."""
        return accounts(
            self.runs,
            stop=self.stop,
            enforced=self.enforced,
            settled_s=self.settled_s,
            judged=(self.verdict >= 0) & (self.verdict != _SKIPPED),
        )

    @cached_property
    def false_stops(self) -> Rate:
        """Of the good incidents, the share whose first workflow is stopped at these percentages."""
        good = self.runs.first_of_incident & (self.runs.label == _GOOD)
        return rate(int((good & self.accounts.stopped).sum()), int(good.sum()))

    @cached_property
    def harmful_stopped(self) -> Rate:
        """Of the incidents whose first workflow did no good, the share that is stopped."""
        bad = self.runs.first_of_incident & (self.runs.label == _BAD)
        return rate(int((bad & self.accounts.stopped).sum()), int(bad.sum()))

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition.

        Returns
        -------
        DataFrame
            `runs` that evaluated it; `would stop` (Failed or Error, enforced or not) of them, with `of good`, `of bad`
            by the workflow's outcome; `stopped`: first to stop a workflow at these percentages, `stopped good`,
            `stopped bad`, `stopped, no outcome`; `censored`, `not replayable`.
        """
        runs, found = self.runs, self.accounts
        size = len(runs.conditions)
        place = np.full(len(self.verdict), -1, np.int64)
        place[runs.order] = runs.workflow
        counted = (runs.condition >= 0) & (self.verdict != _SKIPPED)
        label = np.where(place >= 0, runs.label[np.maximum(place, 0)] if runs.workflows else -1, -1)
        first = found.stopped_by[found.stopped]
        first_label = runs.label[found.stopped]

        def count(wanted: Flags) -> Codes:
            return np.bincount(runs.condition[counted & wanted], minlength=size)

        def count_first(wanted: Flags) -> Codes:
            return np.bincount(runs.condition[first[wanted]], minlength=size)

        stop = self.stop
        return pd.DataFrame(
            {
                "condition": [str(one) for one in runs.conditions],
                "required": [_shown(self.terms[one].required) if one in self.terms else "-" for one in runs.conditions],
                "percent": [_shown(self.terms[one].percent) if one in self.terms else "-" for one in runs.conditions],
                "runs": count(self.replayable),
                "would stop": count(stop),
                "of good": count(stop & (label == _GOOD)),
                "of bad": count(stop & (label == _BAD)),
                "stopped": count_first(np.ones(len(first), bool)),
                "stopped good": count_first(first_label == _GOOD),
                "stopped bad": count_first(first_label == _BAD),
                "stopped, no outcome": count_first(first_label < 0),
                "censored": count((self.verdict == _CENSORED) & self.replayable),
                "not replayable": count(~self.replayable),
            }
        )

    @cached_property
    def workflows(self) -> pd.DataFrame:
        """One row per workflow.

        Returns
        -------
        DataFrame
            `workflow_uid`, `incident_id`, `outcome` as evidence, `stopped_by`, `effect` (blocked, failed or empty),
            `record_id` of the evaluation that stops it, `waiting_s`.
        """
        runs, found = self.runs, self.accounts
        names = np.array([str(one) for one in runs.conditions] + [""], object)
        at = np.where(found.stopped, runs.condition[found.stopped_by], len(runs.conditions))
        labels = np.array([*(one.value for one in LABELS), ""], object)
        return pd.DataFrame(
            {
                "workflow_uid": runs.workflow_uid,
                "incident_id": np.array(runs.incidents, object)[runs.incident],
                "outcome": labels[runs.label],
                "stopped_by": names[at],
                "effect": np.where(found.blocked, "blocked", np.where(found.stopped, "failed", "")),
                "record_id": self.record_ids(found.stopped_by),
                "waiting_s": found.waiting_s,
            }
        )

    def examples(
        self, condition: ConditionId | str, *, outcome: Label | None = Label.GOOD, limit: int = EXAMPLES
    ) -> list[str]:
        """Give record ids of evaluations that would stop a run, to open with `kubernaut explain`.

        Parameters
        ----------
        outcome : Label or None
            Of the workflow; None means any.

        Raises
        ------
        InputError
            The condition was never recorded.
        """
        codes = [at for at, one in enumerate(self.runs.conditions) if condition in (one, str(one))]
        if not codes:
            raise InputError(f"{condition} was never recorded")
        label = self.runs.label[self.runs.workflow]
        wanted = (self.runs.condition[self.runs.order] == codes[0]) & self.stop[self.runs.order]
        if outcome is not None:
            wanted &= label == LABELS.index(outcome)
        return self.record_ids(self.runs.order[wanted][:limit])

    @property
    def title(self) -> str:
        """What this is."""
        found = self.accounts
        return f"What if: {int(found.stopped.sum()):,} of {self.runs.workflows:,} workflows would be stopped"

    @property
    def summary(self) -> Mapping[str, str]:
        """The workflow's accounts."""
        found, label = self.accounts, self.runs.label
        stopped = found.stopped

        def split(wanted: Flags) -> str:
            good, bad = int((wanted & (label == _GOOD)).sum()), int((wanted & (label == _BAD)).sum())
            return f"{int(wanted.sum()):,} ({good:,} good, {bad:,} bad, {int(wanted.sum()) - good - bad:,} no outcome)"

        waited = found.waiting_s[found.waiting_s > 0]
        return {
            "blocked before the change": split(found.blocked),
            "failed after it": split(stopped & ~found.blocked),
            "good incidents stopped": self.false_stops.text(),
            "harmful incidents stopped": self.harmful_stopped.text(),
            "waiting": f"{len(waited):,} workflows wait for postconditions"
            + (f", median {np.median(waited):.1f} s, 95 % {np.quantile(waited, 0.95):.1f} s" if len(waited) else ""),
        }

    @property
    def notes(self) -> Sequence[str]:
        """What was not counted, what cannot be known."""
        notes = [
            "good, bad: what the workflow did for the incident, if it was left alone; incidents are counted by their "
            "first workflow; limits are Clopper-Pearson, one-sided 95 %",
        ]
        dropped = [f"{count:,} {what}" for what, count in self.runs.dropped.items() if count]
        if dropped:
            notes.append(f"evaluations not counted: {', '.join(dropped)}")
        silent = [
            str(one)
            for one, terms in self.terms.items()
            if terms.required.any() and not terms.percent[terms.required].any()
        ]
        if silent:
            notes.append(f"required at 0 % (warn mode, stops nothing): {', '.join(silent)}")
        enforced = int(pc.sum(self.history.evaluations.column("enforced")).as_py() or 0)
        if enforced:
            notes.append(
                f"{enforced:,} evaluations were enforced when they were recorded: runs that were stopped have no "
                "outcome, so the shares speak of those that were let through"
            )
        blocked = int(self.accounts.blocked.sum())
        if blocked:
            notes.append(
                f"how long {blocked:,} blocked workflows would have waited for facts to recover is not in a history "
                "that let them run"
            )
        notes += unanswered(self, (self.runs.condition >= 0) & ~self.replayable)
        return notes

    def plot(self) -> Any:
        """Give a chart of what would be stopped by which condition, good and bad."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        data = self.data
        names = {"of good": "did good", "of bad": "did no good"}
        figure = go.Figure(
            [go.Bar(y=data["condition"], x=data[column], name=name, orientation="h") for column, name in names.items()]
        )
        return figure.update_layout(
            barmode="stack",
            title="Runs that each condition would stop if it were enforced everywhere",
            xaxis_title=f"runs with an outcome (n = {int((self.runs.label >= 0).sum()):,} workflows)",
            yaxis={"autorange": "reversed"},
        )

    def record_ids(self, places: Codes) -> list[str]:
        """Give the record ids of some evaluations; empty for a place below 0."""
        ids = self.history.evaluations.column("record_id")
        found: list[str] = ids.take(pa.array(np.maximum(places, 0))).to_pylist() if len(places) else []
        return ["" if place < 0 else one for place, one in zip(places.tolist(), found, strict=True)]


def unanswered(result: WhatIfResult, left_out: Flags) -> list[str]:
    """Say of each condition how many of its evaluations are left out, and why."""
    runs, notes = result.runs, []
    for why, wanted in (
        ("a fact that the policy reads was not kept", left_out & result.not_kept),
        ("no look on the new deadline", left_out & ~result.not_kept & ~result.certain),
        ("nobody looked long enough", left_out & ~result.not_kept & result.certain),
    ):
        counts = np.bincount(runs.condition[wanted], minlength=len(runs.conditions)).tolist()
        notes += [
            f"{condition}: {how_many(count, 'evaluation')} cannot answer: {why}"
            for condition, count in zip(runs.conditions, counts, strict=True)
            if count
        ]
    return notes


def _shown(values: Flags | Floats) -> str:
    """Give the one value, or say that it differs between runs."""
    distinct = np.unique(values)
    if len(distinct) != 1:
        return "varies" if len(distinct) else "-"
    value = distinct[0].item()
    return ("yes" if value else "no") if isinstance(value, bool) else f"{value:g}"
