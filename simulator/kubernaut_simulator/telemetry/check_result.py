"""What a Prometheus can rebuild, as a result: a table of facts, a chart of windows, what conditions can be judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from kubernaut.durations import format_duration
from kubernaut_simulator.results.base import COLOURS, Result
from kubernaut_simulator.telemetry.checking import Ability, Checked, FactAbility

_COLOURS = {
    Ability.REBUILT: COLOURS[2],
    Ability.WITH_LOSS: COLOURS[4],
    Ability.MISSING: COLOURS[1],
    Ability.IMPOSSIBLE: COLOURS[7],
}
_CAN = (Ability.REBUILT, Ability.WITH_LOSS)


@dataclass(frozen=True, eq=False, repr=False)
class TelemetryCheck(Result):
    """Which facts a Prometheus can rebuild.

    Attributes
    ----------
    checked : Checked
    url : str
    """

    checked: Checked
    url: str

    @property
    def title(self) -> str:
        """What this is."""
        able = sum(one.ability in _CAN for one in self.checked.facts)
        return f"{self.url}: {able} of {len(self.checked.facts)} facts of a {self.checked.target_kind} can be rebuilt"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, step, first sample, and conditions."""
        one = self.checked
        can = [condition for condition, missing in one.judged.items() if not missing]
        since = "none" if one.samples_since is None else one.samples_since.isoformat(timespec="seconds")
        told = {
            "window": f"{one.start:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M} UTC, "
            f"looked at every {format_duration(one.step.total_seconds())}",
            "namespace": one.namespace or "all",
            "first sample": since,
        }
        if one.judged:
            told["conditions"] = f"{len(can)} of {len(one.judged)} can be judged on what happened then"
        return told

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per fact."""
        return pd.DataFrame([_row(one) for one in self.checked.facts])

    @property
    def columns(self) -> Sequence[str]:
        """What a narrow table shows."""
        return ["fact", "state", "since", "until", "covered", "longest gap s", "why"]

    @property
    def shares(self) -> Collection[str]:
        """Columns of shares."""
        return ("covered",)

    @property
    def notes(self) -> Sequence[str]:
        """Which conditions can be judged, and what the others lack."""
        judged = sorted(self.checked.judged.items(), key=lambda item: str(item[0]))
        can = [str(condition) for condition, missing in judged if not missing]
        notes = [f"can be judged: {', '.join(can)}"] if can else []
        for condition, missing in judged:
            if missing:
                lacking = "; ".join(f"{path} ({why})" for path, why in missing.items())
                notes.append(f"{condition} cannot be judged: {lacking}")
        return notes

    def plot(self) -> Any:
        """Give a chart of the windows in which each fact can be rebuilt."""
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        figure = go.Figure()
        shown = [one for one in self.checked.facts if one.ability in _CAN and one.since and one.until]
        named: set[Ability] = set()
        for one in shown:
            figure.add_scatter(
                x=[one.since, one.until],
                y=[one.path, one.path],
                mode="lines",
                line={"width": 8, "color": _COLOURS[one.ability]},
                name=one.ability.value,
                legendgroup=one.ability.value,
                showlegend=one.ability not in named,
            )
            named.add(one.ability)
        return figure.update_layout(
            title=self.title,
            xaxis={"title": "UTC", "range": [self.checked.start, self.checked.end]},
            yaxis={"autorange": "reversed", "type": "category"},
            height=160 + 22 * len(shown),
        )


def _row(one: FactAbility) -> dict[str, Any]:
    return {
        "fact": one.path,
        "state": one.ability.value,
        "since": None if one.since is None else f"{one.since:%Y-%m-%d %H:%M}Z",
        "until": None if one.until is None else f"{one.until:%Y-%m-%d %H:%M}Z",
        "covered": one.covered,
        "longest gap s": None if one.longest_gap is None else one.longest_gap.total_seconds(),
        "why": one.why or None,
        "series": ", ".join(one.series) or "none: a parameter",
    }
