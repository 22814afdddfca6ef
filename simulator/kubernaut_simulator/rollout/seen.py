"""A rollout as it was recorded: which percentage was in force when, and what each incident's first run came to.

A rollout is one experiment for each environment and action: there the conditions share the incident's bucket and the
percentage that counts is the highest of the required ones. This module lays recorded votes out by that; what they say
about going on is `status`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kubernaut.errors import HistoryError
from kubernaut.history.rows import Purpose
from kubernaut_simulator.estimation.votes import LABEL_AGE_S, cast_votes

if TYPE_CHECKING:
    from kubernaut_simulator.history.history import History

KEYS = ["environment", "action"]
_RECORDED = [
    "execution_uid",
    "incident_id",
    "action",
    "level",
    "phase",
    "type",
    "candidate",
    "purpose",
    "environment",
    "required",
    "validation_enabled",
    "enforced",
    "bucket",
    "percent",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenRollouts:
    """Recorded votes with the percentage that their incident was dealt at.

    Attributes
    ----------
    votes : DataFrame
        As `estimation.votes.Votes.data` without candidates, and besides: `environment`, `required`, `enforced`,
        `bucket`, `stage_percent` (the highest of the required conditions of that action in the incident's first run),
        `stage` (number of the stage, from 0, within environment and action).
    stages : DataFrame
        One row per environment, action and stage: `stage`, `percent`, `since`, `until` (start of the next stage's first
        incident; the history's end for the last), `incidents`, `enrolled`.
    as_of : Timestamp
    """

    votes: pd.DataFrame
    stages: pd.DataFrame
    as_of: pd.Timestamp


def seen_rollouts(history: History, *, as_of: pd.Timestamp | None = None) -> SeenRollouts:
    """Lay a history out by the stages of its rollouts.

    Parameters
    ----------
    as_of : Timestamp or None
        None means the history's end.

    Raises
    ------
    HistoryError
        There is no vote.
    """
    as_of = history.as_of if as_of is None else as_of
    cast = cast_votes(
        history.evaluations, history.executions, history.workflows, as_of=as_of, label_age_s=LABEL_AGE_S
    ).data
    recorded: pd.DataFrame = history.evaluations.select(_RECORDED).to_pandas()
    recorded = recorded[~recorded["candidate"] & (recorded["purpose"].astype(str) == Purpose.FORWARD.value)]
    votes = cast[~cast["candidate"]]
    if votes.empty:
        raise HistoryError("no incident has a vote: there is no rollout to look at")
    for name in ("execution_uid", "incident_id", "environment", *_CONDITION):
        recorded[name] = recorded[name].astype(str)
    votes = votes.assign(**{name: votes[name].astype(str) for name in ("execution_uid", "incident_id", *_CONDITION)})
    own = recorded.drop_duplicates(["execution_uid", *_CONDITION])
    votes = votes.drop(columns=["percent"]).merge(
        own.drop(columns=["incident_id", "candidate", "purpose"]), on=["execution_uid", *_CONDITION], how="left"
    )
    counts = recorded["required"] & recorded["validation_enabled"]
    highest = (
        recorded.assign(percent=recorded["percent"].where(counts, 0.0))
        .groupby(["execution_uid", "action"], observed=True)["percent"]
        .max()
        .rename("stage_percent")
    )
    votes = votes.merge(highest, left_on=["execution_uid", "action"], right_index=True, how="left")
    votes, stages = _stages(votes, as_of)
    return SeenRollouts(votes=votes, stages=stages, as_of=as_of)


_CONDITION = ["action", "level", "phase", "type"]


def _stages(votes: pd.DataFrame, as_of: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut each environment's and action's incidents where the percentage changes."""
    first = votes.sort_values(["run_started_at", "incident_id"], kind="stable")
    first = first.drop_duplicates([*KEYS, "incident_id"])
    first = first[[*KEYS, "incident_id", "run_started_at", "stage_percent", "bucket"]]
    before = first.groupby(KEYS)["stage_percent"].shift()
    first["stage"] = ((first["stage_percent"] != before) & before.notna()).groupby([first[k] for k in KEYS]).cumsum()
    first["enrolled"] = first["bucket"] < np.round(first["stage_percent"] * 100)
    stages = (
        first.groupby([*KEYS, "stage"], sort=True)
        .agg(
            percent=("stage_percent", "first"),
            since=("run_started_at", "min"),
            incidents=("incident_id", "size"),
            enrolled=("enrolled", "sum"),
        )
        .reset_index()
    )
    stages["until"] = stages.groupby(KEYS)["since"].shift(-1)
    stages["until"] = stages["until"].fillna(as_of)
    placed = votes.drop(columns=["stage_percent"]).merge(
        first[[*KEYS, "incident_id", "stage", "stage_percent"]], on=[*KEYS, "incident_id"], how="left"
    )
    return placed, stages[[*KEYS, "stage", "percent", "since", "until", "incidents", "enrolled"]]
