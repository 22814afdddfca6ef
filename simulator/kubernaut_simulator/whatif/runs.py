"""The runs of a history in the order in which conditions could have stopped them: workflow, run, stage.

Laid out once; every what-if walks it with other stops. Which rows count, what a workflow did for its incident and which
workflow is an incident's first are facts of the record, not of the terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kubernaut.history.rows import Purpose
from kubernaut.identity import ConditionId, Level, Phase
from kubernaut_simulator.estimation.columns import Codes, Columns, Flags
from kubernaut_simulator.estimation.labels import label_runs
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.tasks import rows_by_condition
from kubernaut_simulator.whatif.timelines import word_codes

STAGES: tuple[tuple[Level, Phase], ...] = (
    (Level.STEP, Phase.PRE),
    (Level.ACTION, Phase.PRE),
    (Level.ACTION, Phase.POST),
    (Level.STEP, Phase.POST),
)
"""In order of time; postconditions of both levels are watched from the action's end on: the inner are named first."""

EVALUATION_COLUMNS = ("incident_id", "workflow_uid", "execution_uid", "action", "level", "phase", "type", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Runs:
    """Evaluations in order of workflow, run and stage.

    Attributes
    ----------
    conditions : tuple of ConditionId
    condition : array of int64, shape (rows of evaluations,)
        Codes into `conditions`; -1 for rows that do not count: challengers, rollbacks, dry runs.
    order : array of int64, shape (counted,)
        Places of evaluations.
    workflow, run : array of int64, shape (counted,)
        Which workflow and run each belongs to, 0..; ascending.
    run_first : array of int64, shape (runs,)
        Place in `order` of each run's first evaluation.
    flow_of_run : array of int64, shape (runs,)
    label : array of int64, shape (workflows,)
        Codes into `estimation.labels.LABELS`; -1 without outcome.
    first_of_incident : array of bool, shape (workflows,)
    incident : array of int64, shape (workflows,)
        Codes into `incidents`.
    incidents : list of str
    workflow_uid : list of str
        Of a run without a workflow: the execution's.
    dropped : dict of str to int
        Rows that do not count, and why.
    """

    conditions: tuple[ConditionId, ...]
    condition: Codes
    order: Codes
    workflow: Codes
    run: Codes
    run_first: Codes
    flow_of_run: Codes
    label: Codes
    first_of_incident: Flags
    incident: Codes
    incidents: list[str]
    workflow_uid: list[str]
    dropped: dict[str, int]

    @property
    def workflows(self) -> int:
        """How many there are."""
        return len(self.label)


def runs_of(history: History) -> Runs:
    """Lay out the runs of a history."""
    rows = Columns(history.evaluations, name="evaluations", needed=EVALUATION_COLUMNS)
    labels = label_runs(
        rows,
        Columns(history.executions, name="executions", needed=()),
        Columns(history.workflows, name="workflows", needed=()),
    )
    candidate = rows.flag("candidate")
    rollback = ~rows.equals("purpose", (Purpose.FORWARD.value,), Purpose.FORWARD.value)
    counted = ~(candidate | rollback | labels.dry_run)
    condition = np.full(rows.rows, -1, np.int64)
    stage = np.zeros(rows.rows, np.int64)
    conditions: list[ConditionId] = []
    for found, own in rows_by_condition(rows):
        condition[own] = len(conditions)
        stage[own] = STAGES.index((found.level, found.phase))
        conditions.append(found)
    condition[~counted] = -1
    run, run_names = word_codes(rows, "execution_uid")
    flow, flow_names = word_codes(rows, "workflow_uid")
    alone = np.array([name == "" for name in flow_names], bool)
    on_its_own = alone[flow] if len(alone) else np.zeros(rows.rows, bool)
    flow = np.where(on_its_own, len(flow_names) + run, flow)
    at = np.flatnonzero(counted)
    order = at[np.lexsort([key[at] for key in (condition, stage, run, labels.run_started_at, flow)])]
    run_first = _starts(flow[order], run[order])
    flow_first = _starts(flow[order])
    incident, incidents = word_codes(rows, "incident_id")
    started = labels.run_started_at[order[flow_first]]
    names = [*flow_names, *run_names]
    workflow = _numbered(len(order), flow_first)
    return Runs(
        conditions=tuple(conditions),
        condition=condition,
        order=order,
        workflow=workflow,
        run=_numbered(len(order), run_first),
        run_first=run_first,
        flow_of_run=workflow[run_first],
        label=labels.label[order[flow_first]],
        first_of_incident=_first_of(incident[order[flow_first]], started),
        incident=incident[order[flow_first]],
        incidents=incidents,
        workflow_uid=[names[code] for code in flow[order[flow_first]].tolist()],
        dropped={
            "challengers": int(candidate.sum()),
            "rollback runs": int((rollback & ~candidate).sum()),
            "dry runs": int((labels.dry_run & ~rollback & ~candidate).sum()),
        },
    )


def _starts(*ordered: Codes) -> Codes:
    """Where a new combination of codes begins."""
    begins = np.ones(len(ordered[0]), bool)
    begins[1:] = np.logical_or.reduce([np.diff(codes) != 0 for codes in ordered])
    return np.flatnonzero(begins)


def _numbered(rows: int, starts: Codes) -> Codes:
    mark = np.zeros(rows, np.int64)
    mark[starts[1:]] = 1
    return np.cumsum(mark)


def _first_of(incident: Codes, started: NDArray[np.int64]) -> Flags:
    order = np.lexsort((started, incident))
    first = np.zeros(len(incident), bool)
    first[order[_starts(incident[order])]] = True
    return first
