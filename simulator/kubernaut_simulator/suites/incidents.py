"""One row per incident, the unit in which a suite is judged: its first workflow, what that did, and who may judge.

A workflow is stopped when any required condition stops it, so conditions share one vote here. Only incidents whose
first workflow was judged by every condition of the search are counted: where one was missing nobody knows the suite.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kubernaut.errors import HistoryError, InputError
from kubernaut.identity import ConditionId
from kubernaut_simulator.estimation.columns import Codes, Flags
from kubernaut_simulator.estimation.labels import Label
from kubernaut_simulator.estimation.split import Split, split_in_time
from kubernaut_simulator.estimation.votes import LABEL_AGE_S, NOT_SEARCHED, NotInGate, cast_votes
from kubernaut_simulator.whatif.stored import Stored


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Incidents:
    """Incidents of one action.

    Attributes
    ----------
    frame : DataFrame
        One row per counted incident, in order of start: `incident_id`, `execution_uid`, `run_started_at`, `gate_at`,
        `target_day`, `label`, `gate` (its label may judge), `unlabelled` (there was none in time), `searched` (its
        label may be searched on: independent of the conditions' own facts, and of an incident that no required
        condition enrols).
    of_row : array of int64, shape (rows of evaluations,)
        Place in `frame` of the incident whose first workflow the evaluation belongs to; -1 for all others.
    search : array of bool, shape (incidents,)
        Before the cut; the others judge.
    split : Split
    incomplete : int
        Incidents left out because a condition of the search did not judge their first workflow.
    """

    frame: pd.DataFrame
    of_row: Codes
    search: Flags
    split: Split
    incomplete: int

    @property
    def judges_unlabelled(self) -> Flags:
        """Of the gate's side, without a label at its age: were it stopped, it would count as a false stop."""
        return np.asarray(self.frame["unlabelled"], bool) & ~self.search

    @property
    def good(self) -> Flags:
        """The run did good, by a label that may be searched on."""
        return (self.frame["searched"] & (self.frame["label"] == Label.GOOD.value)).to_numpy(bool)

    @property
    def bad(self) -> Flags:
        """The run did no good, by a label that may be searched on."""
        return (self.frame["searched"] & (self.frame["label"] == Label.BAD.value)).to_numpy(bool)


def suite_conditions(stored: Stored, action: str | None) -> tuple[ConditionId, ...]:
    """Give the recorded conditions of one action.

    Parameters
    ----------
    action : str or None
        None where only one was recorded.

    Raises
    ------
    InputError
        None of that action, or several actions and none named.
    """
    actions = sorted({one.action for one in stored.conditions})
    if action is None and len(actions) > 1:
        raise InputError(f"a suite is one action's; name one of {', '.join(actions)}")
    found = tuple(one for one in stored.conditions if action in (None, one.action))
    if not found:
        raise InputError(f"no condition of {action or 'any action'} was recorded; there are {', '.join(actions)}")
    return found


def incidents_of(
    stored: Stored,
    conditions: tuple[ConditionId, ...],
    *,
    search_share: float,
    cut_at: pd.Timestamp | None = None,
    label_age_s: float = LABEL_AGE_S,
) -> Incidents:
    """Lay out the incidents that a suite of these conditions is searched and judged on.

    Raises
    ------
    HistoryError
        There is none.
    """
    history, runs = stored.history, stored.runs
    votes = cast_votes(
        history.evaluations,
        history.executions,
        history.workflows,
        as_of=history.as_of,
        label_age_s=label_age_s,
    ).data
    own = votes[votes["condition"].isin([str(one) for one in conditions]) & ~votes["candidate"]]
    first = own.sort_values(["run_started_at", "incident_id"], kind="stable").drop_duplicates("incident_id")
    first = first.reset_index(drop=True)
    place = {name: at for at, name in enumerate(first["incident_id"].astype(str))}
    of_incident = np.array([place.get(name, -1) for name in runs.incidents], np.int64)
    of_row = np.full(len(runs.condition), -1, np.int64)
    counted = runs.first_of_incident[runs.workflow]
    of_row[runs.order[counted]] = of_incident[runs.incident[runs.workflow[counted]]]
    judged = np.zeros((len(first), len(conditions)), bool)
    for at, condition in enumerate(conditions):
        rows = stored.timelines(condition).rows
        there = of_row[rows]
        judged[there[there >= 0], at] = True
    complete: Flags = np.asarray(judged.all(axis=1), bool)
    if not complete.any():
        raise HistoryError(f"no incident was judged by all of {', '.join(map(str, conditions))}")
    renumbered = np.where(complete, np.cumsum(complete) - 1, -1)
    of_row = np.where(of_row >= 0, renumbered[of_row], -1)
    kept: pd.DataFrame = first.loc[complete].reset_index(drop=True)
    split = split_in_time(kept, search_share=search_share, cut_at=cut_at)
    # Whether an observation ended early is each condition's own affair; `fails` says what a suite makes of it.
    eligible = kept["gate"] | (kept["not_in_gate"] == NotInGate.CENSORED.value)
    columns = ["incident_id", "execution_uid", "run_started_at", "gate_at", "target_day", "label", "unlabelled"]
    return Incidents(
        frame=kept[columns].assign(gate=eligible, searched=~kept["not_in_gate"].isin(NOT_SEARCHED)),
        of_row=of_row,
        search=(kept["run_started_at"] < split.cut_at).to_numpy(bool),
        split=split,
        incomplete=int((~complete).sum()),
    )
