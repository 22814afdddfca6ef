"""What a run may say: was it left alone, and what did its workflow do for the incident.

Outcome belongs to the workflow; all its steps inherit it. It is evidence only where nobody and nothing
interfered with any forward run of that workflow, because a step that was stopped changes what the whole
did. Whoever overrode a condition made that workflow a group of its own. Arrays of codes in, arrays of codes
out; votes are made in `votes`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa

from kubernaut.history.rows import Outcome, OutcomeSource, Purpose
from kubernaut_simulator.estimation.columns import (
    NO_INSTANT,
    Codes,
    Columns,
    Flags,
    Instants,
    encode,
    look_up,
)

INDEPENDENT_SOURCES = tuple(
    s.value for s in (OutcomeSource.PERSON, OutcomeSource.QUERY, OutcomeSource.ALERT, OutcomeSource.PROBE)
)
"""Labels that do not rest on the conditions' own facts; only they may gate."""

STOPPED_RESULTS = ("blocked", "denied")


class Group(StrEnum):
    """What happened to a workflow from outside, in order of precedence."""

    NO_RUN_ROW = "no execution row"
    OVERRIDDEN = "overridden"
    STOPPED = "stopped"
    ROLLED_BACK = "rolled back"
    CUT_SHORT = "cut short"
    NEVER_RAN = "never ran"
    RELEASED = "released after a wait"
    LEFT_ALONE = "left alone"


class Label(StrEnum):
    """Outcome as evidence."""

    GOOD = "good"
    BAD = "bad"


class NoOutcome(StrEnum):
    """Why a run that was left alone has no outcome; of the others the `Group` says why."""

    NO_WORKFLOW_ROW = "no workflow row"
    UNKNOWN = "outcome not known yet"
    INCONCLUSIVE = "inconclusive"


GROUPS = tuple(Group)
LABELS = tuple(Label)
NO_OUTCOMES = tuple(NoOutcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabels:
    """Per evaluation row, what its run can say.

    Attributes
    ----------
    group : codes into `GROUPS`
    label : codes into `LABELS`
        -1 without outcome.
    no_outcome : codes into `NO_OUTCOMES`
        -1 with an outcome, and where the group is the reason.
    source : codes into `sources`
        -1 without a workflow row.
    sources : list of str
    outcome_at : instants
    run_started_at : instants
        The execution's start; the evaluation's own where there is none.
    dry_run, holdout, inherited : flags
        `holdout`: no required condition of the workflow enrols this incident, so that its label does not
        depend on any verdict. `inherited`: the workflow has several forward runs.
    """

    group: Codes
    label: Codes
    no_outcome: Codes
    source: Codes
    sources: list[str]
    outcome_at: Instants
    run_started_at: Instants
    dry_run: Flags
    holdout: Flags
    inherited: Flags


def label_runs(evaluations: Columns, executions: Columns, workflows: Columns) -> RunLabels:
    """Say of each evaluation row whether its run was left alone and how its workflow ended.

    Notes
    -----
    A missing `outcome_source` is taken for a label that may not gate. Precedence among several
    interventions is that of `Group`.
    """
    run = look_up(evaluations.text("execution_uid"), executions.text("execution_uid"))
    has_run = run >= 0
    flow_of_evaluation, flow_of_run, flows = _workflow_codes(evaluations, executions)
    forward = executions.equals("purpose", (Purpose.FORWARD.value,), Purpose.FORWARD.value)

    def in_workflow(of_runs: Flags) -> Flags:
        return np.bincount(flow_of_run[of_runs], minlength=flows)[flow_of_evaluation] > 0

    row = look_up(evaluations.text("workflow_uid"), workflows.text("workflow_uid"))
    has_row = row >= 0
    overridden = np.bincount(flow_of_evaluation[evaluations.flag("overridden")], minlength=flows) > 0
    result_stopped = executions.equals("result", STOPPED_RESULTS)
    rolled_back = in_workflow(executions.flag("rolled_back") | ~forward)
    rolled_back[has_row] |= workflows.flag("rolled_back")[row[has_row]]
    marks = {
        Group.NO_RUN_ROW: ~has_run,
        Group.OVERRIDDEN: overridden[flow_of_evaluation],
        Group.STOPPED: in_workflow(forward & (executions.filled("stopped_by") | result_stopped)),
        Group.ROLLED_BACK: rolled_back,
        Group.CUT_SHORT: in_workflow(forward & executions.flag("cut_short")),
        Group.NEVER_RAN: in_workflow(forward & executions.equals("result", ("skipped",))),
        Group.RELEASED: in_workflow(forward & (executions.number("blocked_s", 0.0) > 0)),
    }
    group = np.full(evaluations.rows, GROUPS.index(Group.LEFT_ALONE), dtype=np.int64)
    for name in reversed(GROUPS[:-1]):
        group[marks[name]] = GROUPS.index(name)

    label, no_outcome = _outcomes(workflows, row, group == GROUPS.index(Group.LEFT_ALONE))
    source_of_row, sources = workflows.codes("outcome_source")
    return RunLabels(
        group=group,
        label=label,
        no_outcome=no_outcome,
        source=_gather(source_of_row, row, -1),
        sources=sources,
        outcome_at=_gather(workflows.instant("outcome_at"), row, int(NO_INSTANT)),
        run_started_at=_run_starts(evaluations, executions, run),
        dry_run=_gather(executions.flag("dry_run"), run, 0).astype(bool),
        holdout=_holdout(evaluations, flow_of_evaluation, flows),
        inherited=np.bincount(flow_of_run[forward], minlength=flows)[flow_of_evaluation] > 1,
    )


def _workflow_codes(evaluations: Columns, executions: Columns) -> tuple[Codes, Codes, int]:
    """Codes of the workflow, or of the run itself where no workflow owns it, over both kinds of rows."""
    names = []
    for rows in (evaluations, executions):
        workflow = rows.text("workflow_uid")
        alone = pa.compute.binary_join_element_wise("run ", rows.text("execution_uid"), "")
        names.append(pa.compute.if_else(pa.compute.equal(workflow, ""), alone, workflow))
    codes, words = encode(pa.concat_arrays(names))
    return codes[: evaluations.rows], codes[evaluations.rows :], len(words)


def _outcomes(workflows: Columns, row: Codes, left_alone: Flags) -> tuple[Codes, Codes]:
    code_of_word = {
        Outcome.EFFECTIVE.value: LABELS.index(Label.GOOD),
        Outcome.INEFFECTIVE.value: LABELS.index(Label.BAD),
    }
    codes, words = workflows.codes("outcome")
    meaning = np.array([code_of_word.get(w, -1) for w in words], dtype=np.int64)
    inconclusive = np.array([w == Outcome.INCONCLUSIVE.value for w in words], dtype=bool)
    label = _gather(meaning[codes], row, -1)
    label[~left_alone] = -1
    no_outcome = np.full(len(row), -1, dtype=np.int64)
    open_ = left_alone & (label < 0)
    no_outcome[open_] = NO_OUTCOMES.index(NoOutcome.UNKNOWN)
    no_outcome[open_ & _gather(inconclusive[codes], row, 0).astype(bool)] = NO_OUTCOMES.index(NoOutcome.INCONCLUSIVE)
    no_outcome[open_ & (row < 0)] = NO_OUTCOMES.index(NoOutcome.NO_WORKFLOW_ROW)
    return label, no_outcome


def _run_starts(evaluations: Columns, executions: Columns, run: Codes) -> Instants:
    starts = _gather(executions.instant("started_at"), run, int(NO_INSTANT))
    return np.where(starts == NO_INSTANT, evaluations.instant("started_at"), starts)


def _holdout(evaluations: Columns, flow: Codes, flows: int) -> Flags:
    may_block = evaluations.flag("required") & evaluations.flag("validation_enabled", default=True)
    percent = np.where(may_block, evaluations.number("percent", 0.0), 0.0)
    highest = np.zeros(flows)
    np.maximum.at(highest, flow, percent)
    return evaluations.number("bucket", 0.0) >= np.round(highest[flow] * 100)


def _gather(values: Codes | Flags, at: Codes, missing: int) -> Codes:
    found = np.full(len(at), missing, dtype=np.int64)
    there = at >= 0
    found[there] = values[at[there]]
    return found
