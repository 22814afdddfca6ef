"""Baseline against candidate: which runs get another verdict, in both directions, and what that does to workflows.

Both sides are what-ifs of one history, so every row is compared with itself. A row that either side cannot answer is
counted and never taken for a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kubernaut.identity import ConditionId
from kubernaut.policy.batch import Evaluator
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.columns import Codes, Flags
from kubernaut_simulator.estimation.labels import LABELS, Label
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.results.base import Result
from kubernaut_simulator.whatif.result import WhatIfResult, unanswered
from kubernaut_simulator.whatif.timelines import VERDICTS
from kubernaut_simulator.whatif.whatif import WhatIf

EXAMPLES = 3
"""Records named for each change of a condition."""

_STOPS = frozenset({Verdict.FAILED, Verdict.ERROR})
_GOOD, _BAD = LABELS.index(Label.GOOD), LABELS.index(Label.BAD)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Diff(Result):
    """What a candidate changes.

    Attributes
    ----------
    before, after : WhatIfResult
        Of one history.
    judged : tuple of ConditionId
        Conditions whose looks a policy judged again for the candidate.
    never_recorded : tuple of ConditionId
        Conditions of the candidate that no run was ever judged by: nothing can be said of them.
    """

    before: WhatIfResult
    after: WhatIfResult
    judged: tuple[ConditionId, ...] = ()
    never_recorded: tuple[ConditionId, ...] = ()

    @cached_property
    def answered(self) -> Flags:
        """Rows that count and that both sides can answer."""
        found: Flags = (self.before.runs.condition >= 0) & self.before.replayable & self.after.replayable
        return found

    @cached_property
    def changed(self) -> Flags:
        """Answered rows with another verdict."""
        found: Flags = self.answered & (self.before.verdict != self.after.verdict)
        return found

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per condition and kind of change.

        Returns
        -------
        DataFrame
            `condition`, `before`, `after` (verdicts), `direction` (stops more, stops less, or neither), `runs`, `good`,
            `bad`, `no outcome` by what the workflow did, `examples`: record ids for `kubernaut explain`.
        """
        runs = self.before.runs
        order = runs.order[self.changed[runs.order]]
        label = runs.label[runs.workflow[self.changed[runs.order]]]
        kinds = len(VERDICTS)
        code = (runs.condition[order] * kinds + self.before.verdict[order]) * kinds + self.after.verdict[order]
        rows = []
        for one in np.unique(code):
            own = code == one
            rest, new = divmod(int(one), kinds)
            condition, old = divmod(rest, kinds)
            rows.append(
                {
                    "condition": str(runs.conditions[condition]),
                    "before": VERDICTS[old].value,
                    "after": VERDICTS[new].value,
                    "direction": _direction(VERDICTS[old], VERDICTS[new]),
                    "runs": int(own.sum()),
                    **_by_outcome(label[own]),
                    "examples": " ".join(self._examples(order[own], label[own])),
                }
            )
        columns = ["condition", "before", "after", "direction", "runs", "good", "bad", "no outcome", "examples"]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def workflows(self) -> pd.DataFrame:
        """One row per workflow that is stopped on one side only, or by another condition: both `workflows` tables."""
        before, after = self.before.workflows, self.after.workflows
        other = (before["stopped_by"] != after["stopped_by"]).to_numpy()
        columns = ["stopped_by", "effect", "record_id", "waiting_s"]
        return pd.concat(
            [
                before.loc[other, ["workflow_uid", "incident_id", "outcome"]],
                before.loc[other, columns].add_suffix(" before"),
                after.loc[other, columns].add_suffix(" after"),
            ],
            axis=1,
        ).reset_index(drop=True)

    @property
    def title(self) -> str:
        """What this is."""
        return f"Diff: {int(self.changed.sum()):,} of {int(self.answered.sum()):,} verdicts change"

    @property
    def summary(self) -> Mapping[str, str]:
        """What changes for workflows."""
        before, after = self.before.accounts, self.after.accounts
        return {
            "workflows newly stopped": self._split(after.stopped & ~before.stopped),
            "workflows no longer stopped": self._split(before.stopped & ~after.stopped),
            "good incidents stopped": f"{self.before.false_stops.text()} -> {self.after.false_stops.text()}",
            "harmful incidents stopped": f"{self.before.harmful_stopped.text()} -> {self.after.harmful_stopped.text()}",
            "waiting, mean of all workflows": f"{_mean(before.waiting_s):.1f} s -> {_mean(after.waiting_s):.1f} s",
            "judged again": ", ".join(map(str, self.judged)) or "nothing: decided from stored attempts",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What could not be compared."""
        notes = ["open an example with: kubernaut explain RECORD HISTORY -f candidate.yaml"]
        runs = self.before.runs
        left_out = (runs.condition >= 0) & ~self.answered
        notes += unanswered(self.after if self.after.not_kept.any() else self.before, left_out)
        if self.never_recorded:
            notes.append(f"never recorded, so nothing is said of: {', '.join(map(str, self.never_recorded))}")
        freed = int((self.before.accounts.stopped & ~self.after.accounts.stopped & (runs.label < 0)).sum())
        if freed:
            notes.append(
                f"{freed:,} workflows no longer stopped have no outcome: what they would have done is not known"
            )
        return notes

    def plot(self) -> Any:
        """Give a chart of changed verdicts, stops gained to the right and lost to the left."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        data = self.data
        figure = go.Figure()
        for direction, sign in (("stops more", 1), ("stops less", -1)):
            own = data[data["direction"] == direction].groupby("condition")[["good", "bad", "no outcome"]].sum()
            for column in own.columns:
                figure.add_bar(
                    y=list(own.index), x=(sign * own[column]).tolist(), name=f"{direction}: {column}", orientation="h"
                )
        return figure.update_layout(
            barmode="relative",
            title=self.title,
            xaxis_title=f"runs that would be stopped less (-) or more (+), n = {int(self.answered.sum()):,} verdicts",
        )

    def _split(self, wanted: Flags) -> str:
        found = _by_outcome(self.before.runs.label[wanted])
        counts = ", ".join(f"{count:,} {name}" for name, count in found.items())
        return f"{int(wanted.sum()):,} ({counts})"

    def _examples(self, places: Codes, label: Codes) -> list[str]:
        # Good runs first: a wrong stop, gained or lost, is what somebody wants to look at.
        first = places[np.argsort(np.where(label < 0, len(LABELS), label), kind="stable")][:EXAMPLES]
        return self.before.record_ids(first)


def diff(
    history: History | WhatIf,
    candidate: Conditions,
    *,
    baseline: Conditions | None = None,
    evaluator: Evaluator | None = None,
) -> Diff:
    """Compare two sets of conditions on one history.

    Parameters
    ----------
    history : History or WhatIf
        A what-if brings what it has laid out and judged already.
    candidate : mapping of Level to CompiledSet
    baseline : mapping of Level to CompiledSet, or None
        None means as recorded: policies, flags, times and percentages of each run.
    evaluator : Evaluator or None
        Needed where a policy or its numbers differ from the recorded ones.

    Raises
    ------
    InputError
        A condition has to be judged again and there is no evaluator.
    """
    base = history if isinstance(history, WhatIf) else WhatIf(history)
    before = base if baseline is None else base.with_conditions(baseline, evaluator=evaluator)
    after = base.with_conditions(candidate, evaluator=evaluator)
    recorded = set(base.stored.conditions)
    return Diff(
        before=before.result(),
        after=after.result(),
        judged=tuple(one for one in after.judged if after.settler(one) is not before.settler(one)),
        never_recorded=tuple(
            sorted(one for level in candidate.values() for one in level.policies if one not in recorded)
        ),
    )


def _direction(before: Verdict, after: Verdict) -> str:
    if (before in _STOPS) == (after in _STOPS):
        return "neither"
    return "stops more" if after in _STOPS else "stops less"


def _by_outcome(label: Codes) -> dict[str, int]:
    good, bad = int((label == _GOOD).sum()), int((label == _BAD).sum())
    return {"good": good, "bad": bad, "no outcome": len(label) - good - bad}


def _mean(values: Any) -> float:
    return float(values.mean()) if len(values) else 0.0
