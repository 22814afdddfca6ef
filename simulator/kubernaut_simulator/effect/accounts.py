"""Accounts of a replay: what the conditions would have stopped, what ran on a failed step, what waiting costs.

Counts and nothing else. Nobody knows what a stopped run would have led to further on, so no saving follows from them;
what enforcement changes is `effects`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kubernaut.history.rows import Purpose
from kubernaut.identity import Phase
from kubernaut.verdicts import Verdict
from kubernaut_simulator.effect.incidents import cascade_steps
from kubernaut_simulator.estimation.false_stops import MINIMUM_GOOD
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.rates import Rate, rate

if TYPE_CHECKING:
    from kubernaut_simulator.replay.replay import Replay

_TEXTS = ["workflow_uid", "execution_uid", "action", "level", "phase", "type", "verdict", "purpose"]
_COLUMNS = [*_TEXTS, "step", "candidate"]
_TIMES = ["elapsed_s", "time_to_pass_s", "timeout_s", "started_at", "observed_until"]

PER_CONDITION = ("condition", "good stopped", "good", "others stopped", "others", "alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Accounts of some conditions, all of them enforced everywhere.

    Attributes
    ----------
    conditions : tuple of str
    harmful, good : Rate
        Incidents without and with a good outcome that any of them would have stopped.
    per_condition : DataFrame
        One row per condition: `condition`, `good stopped`, `good`, `others stopped`, `others`, `alone` (incidents that
        no other of them would have stopped).
    unknown_stopped : Rate
        Incidents whose outcome is not known that any would have stopped.
    cascades : Rate
        Workflows with several steps in which a later step ran after one whose postcondition had failed.
    cascade_steps : int
        Such later steps.
    judging_s : tuple of float, or None
        Median and 95 % point over steps of the longest evaluation of a precondition; None without one.
    waiting_s : tuple of float, or None
        The same of the longest wait for a postcondition: to its pass, or to the end of its looks; None without one.
    blocked_s : float
        Seconds that runs were blocked in the history.
    """

    conditions: tuple[str, ...]
    harmful: Rate
    good: Rate
    per_condition: pd.DataFrame
    unknown_stopped: Rate
    cascades: Rate
    cascade_steps: int
    judging_s: tuple[float, float] | None
    waiting_s: tuple[float, float] | None
    blocked_s: float


def accounts_of(replay: Replay, conditions: Sequence[str] | None = None) -> Accounts:
    """Take the accounts of a replay.

    Parameters
    ----------
    conditions : sequence of str or None
        Identities that would be enforced; None means all that were judged.
    """
    votes = replay.votes.data
    votes = votes[~votes["candidate"] & (votes["verdict"] != Verdict.CENSORED.value)]
    names = votes["condition"].astype(str)
    wanted = tuple(sorted(names.unique())) if conditions is None else tuple(sorted(conditions))
    votes = votes[names.isin(wanted)].assign(condition=names, incident_id=votes["incident_id"].astype(str))
    stops = votes.pivot_table(index="incident_id", columns="condition", values="stop", aggfunc="max", observed=True)
    stopped = stops.eq(True).reindex(columns=list(wanted), fill_value=False)
    label = votes.drop_duplicates("incident_id").set_index("incident_id")["label"].astype(object).reindex(stops.index)
    good, known = (label == Label.GOOD.value).to_numpy(), label.notna().to_numpy()
    any_stop, number = stopped.any(axis=1).to_numpy(), stopped.sum(axis=1).to_numpy()
    rows = [
        {
            "condition": name,
            "good stopped": int((hit & good).sum()),
            "good": int((judged & good).sum()),
            "others stopped": int((hit & known & ~good).sum()),
            "others": int((judged & known & ~good).sum()),
            "alone": int((hit & (number == 1)).sum()),
        }
        for name in wanted
        for hit in [stopped[name].to_numpy(bool)]
        for judged in [stops[name].notna().to_numpy() if name in stops else np.zeros(len(stops), dtype=bool)]
    ]
    cascades, steps = _cascades(replay)
    judging, waiting = _times(replay, wanted)
    blocked: pd.Series[float] = replay.history.executions.column("blocked_s").to_pandas()
    return Accounts(
        conditions=wanted,
        harmful=rate(int((any_stop & known & ~good).sum()), int((known & ~good).sum()), minimum=MINIMUM_GOOD),
        good=rate(int((any_stop & good).sum()), int(good.sum()), minimum=MINIMUM_GOOD),
        per_condition=pd.DataFrame(rows, columns=list(PER_CONDITION)),
        unknown_stopped=rate(int((any_stop & ~known).sum()), int((~known).sum())),
        cascades=cascades,
        cascade_steps=steps,
        judging_s=judging,
        waiting_s=waiting,
        blocked_s=float(blocked.fillna(0.0).sum()),
    )


def _forward(replay: Replay, extra: Sequence[str] = ()) -> pd.DataFrame:
    rows: pd.DataFrame = replay.evaluations.table.select([*_COLUMNS, *extra]).to_pandas()
    for name in _TEXTS:
        rows[name] = rows[name].astype(str)
    return rows[~rows["candidate"] & (rows["purpose"] == Purpose.FORWARD.value)]


def _cascades(replay: Replay) -> tuple[Rate, int]:
    executions: pd.DataFrame = replay.history.executions.to_pandas()
    executions["workflow_uid"] = executions["workflow_uid"].astype(str)
    forward = (executions["purpose"].astype(str) == Purpose.FORWARD.value) & ~executions["dry_run"]
    executions = executions[forward & (executions["workflow_uid"] != "")]
    several = executions.groupby("workflow_uid")["step"].nunique()
    steps = cascade_steps(_forward(replay), executions)
    return rate(steps["workflow_uid"].nunique(), int((several > 1).sum()), minimum=MINIMUM_GOOD), len(steps)


def _times(replay: Replay, wanted: Sequence[str]) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    rows = _forward(replay, _TIMES)
    name = rows["action"] + "/" + rows["level"] + "/" + rows["phase"] + "/" + rows["type"]
    rows = rows[name.isin(wanted) & (rows["verdict"] != Verdict.SKIPPED.value)]
    looked = (rows["observed_until"] - rows["started_at"]).dt.total_seconds()
    passed = rows["verdict"] == Verdict.PASSED.value
    waited = rows["time_to_pass_s"].where(passed, looked.clip(upper=rows["timeout_s"]))
    pre = rows["phase"] == Phase.PRE.value
    return (
        _median_and_tail(rows["elapsed_s"][pre].groupby(rows["execution_uid"][pre]).max()),
        _median_and_tail(waited[~pre].groupby(rows["execution_uid"][~pre]).max()),
    )


def _median_and_tail(seconds: pd.Series[float]) -> tuple[float, float] | None:
    known = seconds.dropna()
    return None if known.empty else (float(known.quantile(0.5)), float(known.quantile(0.95)))
