"""The decision log: every incident that entered a condition's test, with the evidence and the line that it must cross.

It may be looked at every day. An incident enters once, in order of start, at its label age; a stop without a label
then counts as a false stop. What is written of an incident is never revised by what is recorded later, as long as the
cut, the terms and the conditions of the tuning stay the same. Beside it stands what becomes of each condition's block
budget once it is enforced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kubernaut.enforcement.budget import BUDGET_ALPHA
from kubernaut.errors import InputError
from kubernaut.identity import ConditionId
from kubernaut_simulator.estimation.multiplicity import version_price
from kubernaut_simulator.estimation.rates import percent
from kubernaut_simulator.estimation.sequential import MINIMUM_ENTRIES, GateDecision
from kubernaut_simulator.results.base import COLOURS, CONDITION, DASHES, Result
from kubernaut_simulator.results.wording import short_names, shown_name
from kubernaut_simulator.rollout.budget_course import INCIDENTS, budget_course

if TYPE_CHECKING:
    from kubernaut_simulator.tuning.result import Tuning

WRONG = 2.0
"""A condition that blocks this many times as often as promised stands for a wrong one."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DecisionLog(Result):
    """The log of one tuning.

    Attributes
    ----------
    tuning : Tuning
    """

    tuning: Tuning

    @cached_property
    def data(self) -> pd.DataFrame:
        """One row per hypothesis and incident that entered.

        Columns: `condition`, `version`, `policy` (digest), `timeout s`, `hold for s`, `alpha share` (what the version
        may spend, before Holm), `order`, `started`, `entered` (at its label age), `incident`, `good run` (let through,
        stopped, or stopped without a label, which counts as a false stop), `k`, `n` (stops among them), `evidence` (the
        martingale; NaN where nobody looked, before 20 and after the test had ended), `line` (to cross), `decision`,
        `decided at` (NaT while open).
        """
        log = self.tuning.gate.log
        if log.empty:
            nothing = pd.DataFrame(columns=_COLUMNS)
            return nothing.astype(dict.fromkeys(("started", "entered", "decided at"), "datetime64[us, UTC]"))
        parts = [self._part(decision, log) for decision in self.tuning.gate.decisions]
        entries: pd.DataFrame = pd.concat(parts, ignore_index=True)[_COLUMNS]
        entries["decided at"] = pd.to_datetime(entries["decided at"], utc=True)
        return entries

    def _part(self, decision: GateDecision, log: pd.DataFrame) -> pd.DataFrame:
        asked = decision.hypothesis
        own = log[(log["condition"] == asked.condition) & (log["candidate"] == asked.candidate)]
        terms = self._terms(asked.condition, candidate=asked.candidate)
        evidence = np.exp(own["log_evidence"])
        decided = pd.Series(own["gate_at"] >= decision.decided_at) if decision.passed else own["gate_at"].isna()
        return pd.DataFrame(
            {
                CONDITION: shown_name(asked.condition, candidate=asked.candidate),
                "version": asked.version,
                **terms,
                "alpha share": decision.alpha / version_price(asked.version),
                "order": own["order"],
                "started": own["run_started_at"],
                "entered": own["gate_at"],
                "incident": own["incident_id"],
                "good run": np.select(
                    [own["unlabelled"].astype(bool), own["stop"].astype(bool)],
                    ["stopped, no label: counts as false", "stopped"],
                    "let through",
                ),
                "k": own["k"],
                "n": own["n"],
                "evidence": evidence,
                "line": np.exp(own["line"]),
                "decision": np.select(
                    [own["decides"].astype(bool), decided, own["n"] < MINIMUM_ENTRIES],
                    ["decides: may be required", "decided before", f"no look before {MINIMUM_ENTRIES}"],
                    "not yet",
                ),
                "decided at": decision.decided_at if decision.passed else pd.NaT,
            }
        )

    def _terms(self, condition: str, *, candidate: bool) -> Mapping[str, Any]:
        identity = ConditionId.parse(condition)
        level = self.tuning.after[identity.level]
        policy = level.candidates.get(identity) if candidate else level.policies[identity]
        settings = level.texts.settings.effective(identity)
        timeout_s, hold_for_s = (None, None) if settings is None else (settings.timeout_s, settings.timing[1])
        digest = "" if policy is None else policy.digest
        return {"policy": digest, "timeout s": timeout_s, "hold for s": hold_for_s}

    @property
    def columns(self) -> Sequence[str]:
        """The course of the evidence; `data` has the versions and their terms, too."""
        return [CONDITION, "entered", "k", "n", "evidence", "line", "decision"]

    def table(self, *, wide: bool = False, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Give the log as it is shown; the narrow one has each hypothesis's last entry, and the one that decided."""
        shown = super().table(wide=wide, columns=columns)
        for name in {"started", "entered", "decided at"} & set(shown.columns):
            shown[name] = shown[name].dt.strftime("%Y-%m-%d %H:%M")
        if wide or self.data.empty:
            return shown
        last = ~self.data.duplicated(CONDITION, keep="last")
        kept: pd.DataFrame = shown[(last | self.data["decision"].str.startswith("decides")).to_numpy()]
        return kept.reset_index(drop=True)

    @property
    def title(self) -> str:
        """What this is."""
        passed = sum(one.passed for one in self.tuning.gate.decisions)
        asked = len(self.tuning.gate.decisions)
        return f"Decision log: {len(self.data):,} entries of {asked} hypotheses, {passed} decided"

    @property
    def summary(self) -> Mapping[str, str]:
        """Window, and how to read an entry."""
        return {
            "window": self.tuning.replay.window,
            "split": self.tuning.split.text(),
            "entries": "good incidents after the cut, once each, in order of start, at their label age "
            f"({self.tuning.replay.label_age_s / 3600:g} h), "
            "never revised; a stop without a label at that age counts as a false stop",
            "evidence": f"of a test martingale that fewer than {percent(self.tuning.target)} of good incidents are "
            "stopped; it may be looked at any day",
            "line": f"alpha {self.tuning.alpha:g} over all hypotheses (Holm): it falls when one is decided, and is "
            "higher for each later version of a condition",
        }

    @property
    def notes(self) -> Sequence[str]:
        """What keeps the log as it is, and what the budgets promise."""
        return [
            *(["no incident has entered a test yet"] if self.data.empty else []),
            f"tomorrow's log begins with today's: --cut-at {self.tuning.split.cut_at:%Y-%m-%dT%H:%M:%SZ}, same "
            "conditions, same terms; a condition that joins later raises the lines of all",
            *self.tuning.counted_as_false(),
            *self._budget_notes(),
        ]

    @cached_property
    def budget(self) -> pd.DataFrame:
        """What becomes of each condition's block budget, computed exactly: one row per condition with a predicted rate.

        Columns: `condition`, `predicted` (share of incidents it would stop), `limit` (its upper limit, which the
        operator holds it to), `n`, `spent if right` (chance that the budget is spent within 1,024 enforced incidents
        although the rate is the predicted one), `blocks if wrong` (blocks by which 95 % of rollouts
        of a condition that blocks twice as often as promised have spent it; NaN where fewer do).
        """
        rows = []
        for one in self.tuning.decisions:
            rate = one.block_rate
            if rate.estimate is None:
                continue
            wrong = budget_course(min(WRONG * rate.upper, 1.0), limit=rate.upper)
            blocks = wrong.blocks_at(0.95)
            rows.append(
                {
                    CONDITION: str(one.condition),
                    "predicted": rate.estimate,
                    "limit": rate.upper,
                    "n": rate.n,
                    "spent if right": float(budget_course(rate.estimate, limit=rate.upper).spent[-1]),
                    "blocks if wrong": np.nan if blocks is None else float(blocks),
                }
            )
        return pd.DataFrame(rows, columns=_BUDGET_COLUMNS)

    def _budget_notes(self) -> list[str]:
        required = {str(one.condition) for one in self.tuning.decisions if one.after.required}
        shown = self.budget[self.budget[CONDITION].isin(required)]
        names = short_names(str(one.condition) for one in self.tuning.decisions)
        notes = [f"{names[row[CONDITION]]}: {_budget_text(row)}" for row in shown.to_dict("records")]
        if notes:
            notes.append(
                f"block budgets: the operator's sequential test, alpha {BUDGET_ALPHA:g}, independent incidents"
            )
        return notes

    def html(self, *, max_rows: int | None = None, wide: bool = False) -> str:
        """Give the table that the text has: nobody reads a page of every entry; `wide` has them all."""
        return super().html(max_rows=max_rows, wide=wide)

    def plot(self, condition: str | None = None) -> Any:
        """Give the evidence over time on a logarithmic axis, with the line that it must cross.

        Parameters
        ----------
        condition : str or None
            One condition (identity, or its end), with its challenger; None draws all.

        Raises
        ------
        InputError
            No such condition was tested.
        """
        import plotly.graph_objects as go  # noqa: PLC0415 - 0.3 s that only a chart needs

        names = list(dict.fromkeys(self.data[CONDITION]))
        wanted = [one for one in names if condition is None or _is(one, condition)]
        if condition is not None and not wanted:
            raise InputError(
                f"no incident has entered a test of {condition!r}; tested were {', '.join(names) or 'none'}"
            )
        short = short_names(names)
        figure = go.Figure()
        for place, name in enumerate(wanted):
            own = self.data[(self.data[CONDITION] == name) & self.data["evidence"].notna()]
            if own.empty:
                continue
            last = self.data[self.data[CONDITION] == name].iloc[-1]
            style = {"color": COLOURS[place % len(COLOURS)], "dash": DASHES[place // len(COLOURS) % len(DASHES)]}
            figure.add_scatter(
                x=own["entered"],
                y=own["evidence"],
                mode="lines+markers" if len(own) == 1 else "lines",
                name=f"{short[name]} ({last['k']}/{last['n']})",
                line=style,
            )
        drawn = self.data[self.data[CONDITION].isin(wanted) & self.data["evidence"].notna()]
        for line in self._lines(drawn):
            figure.add_scatter(
                x=line["entered"],
                y=line["line"],
                mode="lines",
                line={"color": "#808890", "dash": "dashdot", "width": 1, "shape": "hv"},
                name="line to cross" if condition else "line to cross (first version)",
            )
        return figure.update_layout(
            title=f"Evidence that fewer than {percent(self.tuning.target)} of good incidents are stopped",
            xaxis={"title": "day on which the incident entered (legend: stopped / entered)"},
            yaxis={"title": "evidence (test martingale)", "type": "log"},
            height=480,
        )

    @staticmethod
    def _lines(drawn: pd.DataFrame) -> list[pd.DataFrame]:
        """Give the line of a first version, or of the only version drawn: it is the same for all of these."""
        if drawn.empty:
            return []
        first = drawn[drawn["version"] == drawn["version"].min()].sort_values("entered", kind="stable")
        open_ = first[first["decision"] != "decided before"]
        return [open_.drop_duplicates("entered", keep="last")] if len(open_) else []


_COLUMNS = [
    CONDITION, "version", "policy", "timeout s", "hold for s", "alpha share", "order", "started", "entered", "incident",
    "good run", "k", "n", "evidence", "line", "decision", "decided at",
]  # fmt: skip
_BUDGET_COLUMNS = [CONDITION, "predicted", "limit", "n", "spent if right", "blocks if wrong"]


def _budget_text(row: Mapping[Any, Any]) -> str:
    predicted = percent(row["predicted"]) if row["predicted"] else "none"
    wrong = row["blocks if wrong"]
    return (
        f"block budget {percent(row['limit'])} of enforced incidents (predicted {predicted} of {row['n']}); if "
        f"right it is spent within {INCIDENTS:,} with chance {_rarely(row['spent if right'])}, "
        "if it blocks twice as often "
        + ("too rarely to say" if math.isnan(wrong) else f"it is by {wrong:.0f} blocks in 95 % of rollouts")
    )


def _rarely(chance: float) -> str:
    return "under 0.1 %" if chance < 0.001 else percent(chance)


def _is(name: str, wanted: str) -> bool:
    """Whether a shown name is the wanted condition's: all of it, its end, or its challenger's."""
    own = name.removesuffix("@candidate")
    return wanted in (name, own) or own.endswith(f"/{wanted}")
