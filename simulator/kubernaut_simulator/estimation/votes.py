"""One vote per incident and condition: what every rate counts.

A vote is the incident's first run that evaluated the condition, the final verdict there, and what that
run's workflow did for the incident, if it was left alone (`labels`). Beside it stands what any run of the
incident says. Columns in, columns out: a million evaluations take a few seconds, and no record is looked at
in a Python loop. Which votes may move the sequential gate is decided here, once, with the reason for each
that may not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
import pyarrow as pa

from kubernaut.history.rows import Purpose
from kubernaut.identity import ConditionId
from kubernaut.verdicts import Reason, Verdict
from kubernaut_simulator.estimation.columns import (
    NO_INSTANT,
    Codes,
    Columns,
    Flags,
    Instants,
    Table,
    as_instant,
    as_timestamps,
    categorical,
    encode,
)
from kubernaut_simulator.estimation.labels import (
    GROUPS,
    INDEPENDENT_SOURCES,
    LABELS,
    NO_OUTCOMES,
    Group,
    Label,
    NoOutcome,
    RunLabels,
    label_runs,
)

LABEL_AGE_S = 24 * 3600.0
"""Seconds after an incident's start at which its label is read for the gate, once and for ever."""

_CARRIED_NUMBERS = (
    ("p_ran", 1.0),
    ("percent", 0.0),
    ("timeout_s", np.nan),
    ("hold_for_s", 0.0),
    ("poll_interval_s", np.nan),
)
"""Columns of evaluations that a vote takes over as they are, and what a history without them means."""

_MICROSECONDS = 1_000_000
_DAY_US = 24 * 3600 * _MICROSECONDS

EVALUATION_COLUMNS = (
    "incident_id", "workflow_uid", "execution_uid", "action", "level", "phase", "type", "verdict",
    "required", "bucket", "percent", "started_at", "namespace", "target_kind", "target_name",
)  # fmt: skip
EXECUTION_COLUMNS = ("execution_uid", "workflow_uid", "started_at", "result")
WORKFLOW_COLUMNS = ("workflow_uid", "outcome", "outcome_source")


class NotInGate(StrEnum):
    """Why a vote with a label may not move the gate, in order of precedence."""

    NO_OUTCOME = "no outcome"
    ENROLLED = "enrolled in enforcement, not holdout"
    NOT_INDEPENDENT = "label is not independent of the condition's facts"
    NOT_MATURE = "younger than the label age"
    LABEL_LATE = "label came after the label age"
    CENSORED = "observation ended before the timeout"


NOT_IN_GATE = tuple(NotInGate)

NOT_SEARCHED = (NotInGate.NO_OUTCOME.value, NotInGate.ENROLLED.value, NotInGate.NOT_INDEPENDENT.value)
"""They choose nothing: enforcement labels only what it lets through, and health rests on the conditions' own facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """Votes of all conditions.

    Attributes
    ----------
    data : DataFrame
        One row per condition, candidate and incident, ordered by condition and start of the run. Columns:
        `condition` (identity as text), `action`, `level`, `phase`, `type`, `candidate`, `incident_id`,
        `workflow_uid`, `execution_uid`, `run_started_at`, `verdict`, `stop` (Failed or Error), `target`,
        `target_day`, `group`, `label` (good, bad or missing), `label_source`, `no_outcome` (why there is no
        label), `inherited` (the workflow had other steps), `holdout`, `gate` (may move the gate),
        `not_in_gate` (why not), `gate_at` (when it may), `unlabelled` (what keeps it from the gate is that at
        its label age, which has come, nothing that may judge had said good, bad or inconclusive), `any_run_good`,
        `any_run_stop` (of the incident's good runs, any was stopped), `runs`, `p_ran`, `percent`,
        `policy_digest`, `settings_digest`, `timeout_s`, `hold_for_s`, `poll_interval_s` (missing: the default
        schedule), `time_to_pass_s`, `time_to_pass_lower_s`, `observed_s` (seconds from the action's end to the last
        look), `fatal`.
    counts : mapping of str to int
        Evaluation rows read and what became of each: nothing is dropped silently.
    label_age_s : float
    as_of : Timestamp
        The instant the history speaks of; what is younger than the label age then does not judge yet.
    """

    data: pd.DataFrame
    counts: Mapping[str, int]
    label_age_s: float
    as_of: pd.Timestamp

    def of(self, condition: ConditionId | str, *, candidate: bool = False) -> pd.DataFrame:
        """Votes of one condition."""
        wanted = (self.data["condition"] == str(condition)) & (self.data["candidate"] == candidate)
        return self.data[wanted]


def cast_votes(
    evaluations: Table,
    executions: Table,
    workflows: Table,
    *,
    as_of: pd.Timestamp,
    label_age_s: float = LABEL_AGE_S,
) -> Votes:
    """Make the votes.

    Parameters
    ----------
    evaluations, executions, workflows : pyarrow.Table or DataFrame
        Rows as `kubernaut.history.rows` names their columns, the newest of each `record_id` only. The
        verdicts may be replayed ones.
    as_of : Timestamp
        The history's end, e.g. its newest `recorded_at`.
    label_age_s : float, unit s

    Returns
    -------
    Votes

    Raises
    ------
    HistoryError
        A column without which nothing can be said is missing.

    Notes
    -----
    Rollback runs, dry runs and skipped evaluations do not vote. A label whose `outcome_at` is not known
    counts as in time. Labels whose delay depends on the verdict leave a chosen part of the incidents out; the
    gate therefore counts the stops among the `unlabelled` as false stops (`sequential.gate_entries`).
    """
    rows = Columns(evaluations, name="evaluations", needed=EVALUATION_COLUMNS)
    runs = Columns(executions, name="executions", needed=EXECUTION_COLUMNS)
    flows = Columns(workflows, name="workflows", needed=WORKFLOW_COLUMNS)
    labels = label_runs(rows, runs, flows)

    skipped = rows.equals("verdict", (Verdict.SKIPPED.value,))
    rollback = ~rows.equals("purpose", (Purpose.FORWARD.value,), Purpose.FORWARD.value)
    voting = ~(skipped | rollback | labels.dry_run)
    condition, names = _conditions(rows)
    incident, incidents = rows.codes("incident_id")
    run, run_names = rows.codes("execution_uid")
    at = np.flatnonzero(voting)
    # Ties in time are broken by the run's name, so that the order of the rows never matters.
    keys = (rows.instant("started_at"), run, labels.run_started_at, incident, condition)
    order = at[np.lexsort([key[at] for key in keys])]
    first_at = _starts_of_groups(condition[order], incident[order])
    first = order[first_at]
    counts = {
        "evaluations": rows.rows,
        "rollback runs": int(rollback.sum()),
        "dry runs": int((labels.dry_run & ~rollback).sum()),
        "skipped": int((skipped & ~rollback & ~labels.dry_run).sum()),
        "later runs": len(order) - len(first),
        "votes": len(first),
    }
    verdict, verdict_names = rows.codes("verdict")
    stop = rows.equals("verdict", (Verdict.FAILED.value, Verdict.ERROR.value))
    data = names.iloc[condition[first]].reset_index(drop=True)
    data["incident_id"] = categorical(incident[first], incidents)
    workflow, workflow_names = rows.codes("workflow_uid")
    data["workflow_uid"] = categorical(workflow[first], workflow_names)
    data["execution_uid"] = categorical(run[first], run_names)
    data["run_started_at"] = as_timestamps(labels.run_started_at[first])
    data["verdict"] = categorical(verdict[first], verdict_names)
    data["stop"] = stop[first]
    data["target"] = _targets(rows, first)
    data["target_day"] = target_days(data)
    _add_label(data, labels, first)
    _add_gate(data, rows, labels, first, label_age_s=label_age_s)
    _add_any_run(data, labels, stop, order, first_at)
    _add_carried(data, rows, first)
    _hold_back_young(data, as_of)
    return Votes(data=data, counts=counts, label_age_s=label_age_s, as_of=as_of)


def target_days(votes: pd.DataFrame) -> Codes:
    """Number the days of each target, in order of target and day: what one outage strikes together."""
    target = votes["target"].cat.codes.to_numpy(np.int64)
    day = _instants(votes["run_started_at"]) // _DAY_US
    codes: Codes
    _, codes = np.unique(target * (int(day.max(initial=0)) + 1) + day, return_inverse=True)
    return codes


def held_back_at(votes: Votes, as_of: pd.Timestamp) -> Votes:
    """Give votes as they stand at an instant not later than that they were cast for: the young do not judge yet."""
    data = votes.data.copy(deep=False)
    _hold_back_young(data, as_of)
    return Votes(data=data, counts=votes.counts, label_age_s=votes.label_age_s, as_of=as_of)


def _conditions(rows: Columns) -> tuple[Codes, pd.DataFrame]:
    """Code of each row's condition, and one row per code with its identity."""
    parts = {part: rows.codes(part) for part in ("action", "level", "phase", "type")}
    candidate = rows.flag("candidate")
    joint = np.zeros(rows.rows, dtype=np.int64)
    for codes, words in parts.values():
        joint = joint * max(1, len(words)) + codes
    _, at, condition = np.unique(joint * 2 + candidate, return_index=True, return_inverse=True)
    names = pd.DataFrame({part: categorical(codes[at], words) for part, (codes, words) in parts.items()})
    text = ["/".join(parts) for parts in zip(*(names[p].astype(str) for p in parts), strict=True)]
    names.insert(0, "condition", pd.Series(text, dtype="category"))
    names["candidate"] = candidate[at]
    return condition, names


def _starts_of_groups(*ordered: Codes) -> Codes:
    """Where a new combination of codes begins."""
    begins = np.ones(len(ordered[0]), dtype=bool)
    begins[1:] = np.logical_or.reduce([np.diff(codes) != 0 for codes in ordered])
    return np.flatnonzero(begins)


def _targets(rows: Columns, first: Codes) -> "pd.Categorical[str]":
    """Name each vote's target; categories in order of their text, so that other rows do not change it."""
    target = np.zeros(len(first), dtype=np.int64)
    words: list[list[str]] = []
    parts = []
    for part in ("cluster_uid", "namespace", "target_kind", "target_name"):
        codes, names = rows.codes(part)
        parts.append(codes[first])
        words.append(names)
        target = target * max(1, len(names)) + codes[first]
    _, at, code = np.unique(target, return_index=True, return_inverse=True)
    texts = ["/".join(names[codes[i]] for codes, names in zip(parts, words, strict=True)) for i in at]
    place, sorted_texts = encode(pa.array(texts, pa.string()))
    return categorical(place[code], sorted_texts)


def _add_label(data: pd.DataFrame, labels: RunLabels, first: Codes) -> None:
    data["group"] = categorical(labels.group[first], [g.value for g in GROUPS])
    data["label"] = categorical(labels.label[first], [x.value for x in LABELS])
    data["label_source"] = categorical(labels.source[first], labels.sources)
    reasons = [x.value for x in NO_OUTCOMES] + [g.value for g in GROUPS if g != Group.LEFT_ALONE]
    held = labels.group[first] != GROUPS.index(Group.LEFT_ALONE)
    why = np.where(held, len(NO_OUTCOMES) + labels.group[first], labels.no_outcome[first])
    data["no_outcome"] = categorical(why, reasons)
    data["inherited"] = labels.inherited[first]
    data["holdout"] = labels.holdout[first]


def _add_gate(data: pd.DataFrame, rows: Columns, labels: RunLabels, first: Codes, *, label_age_s: float) -> None:
    gate_at = labels.run_started_at[first] + int(label_age_s * _MICROSECONDS)
    known_at = labels.outcome_at[first]
    independent = np.array([s in INDEPENDENT_SOURCES for s in labels.sources] + [False], dtype=bool)
    marks = {
        NotInGate.NO_OUTCOME: labels.label[first] < 0,
        NotInGate.ENROLLED: ~labels.holdout[first],
        NotInGate.NOT_INDEPENDENT: ~independent[labels.source[first]],
        NotInGate.LABEL_LATE: (known_at != NO_INSTANT) & (known_at > gate_at),
        NotInGate.CENSORED: rows.equals("verdict", (Verdict.CENSORED.value,))[first],
    }
    why = np.full(len(first), -1, dtype=np.int64)
    for name in reversed(list(marks)):
        why[marks[name]] = NOT_IN_GATE.index(name)
    _set_gate(data, why)
    data["gate_at"] = as_timestamps(gate_at)
    inconclusive = labels.no_outcome[first] == NO_OUTCOMES.index(NoOutcome.INCONCLUSIVE)
    unanswered = marks[NotInGate.NO_OUTCOME] & ~inconclusive
    no_label = unanswered | marks[NotInGate.NOT_INDEPENDENT] | marks[NotInGate.LABEL_LATE]
    left_alone = labels.group[first] == GROUPS.index(Group.LEFT_ALONE)
    data["unlabelled"] = no_label & left_alone & labels.holdout[first]


def _hold_back_young(data: pd.DataFrame, as_of: pd.Timestamp) -> None:
    """Let votes that are younger than the label age not judge, whatever else would keep them only by its lateness."""
    why = data["not_in_gate"].cat.codes.to_numpy(np.int64)
    young = _instants(data["gate_at"]) > as_instant(as_of)
    not_mature = NOT_IN_GATE.index(NotInGate.NOT_MATURE)
    _set_gate(data, np.where(young & ((why < 0) | (why > not_mature)), not_mature, why))
    data["unlabelled"] &= ~young


def _set_gate(data: pd.DataFrame, why: Codes) -> None:
    data["gate"] = why < 0
    data["not_in_gate"] = categorical(why, [x.value for x in NOT_IN_GATE])


def _instants(column: "pd.Series[pd.Timestamp]") -> Instants:
    return column.to_numpy("datetime64[us]").astype(np.int64)


def _add_any_run(data: pd.DataFrame, labels: RunLabels, stop: Flags, order: Codes, first_at: Codes) -> None:
    if not len(order):
        data["any_run_good"] = data["any_run_stop"] = np.zeros(0, bool)
        data["runs"] = np.zeros(0, np.int64)
        return
    good = labels.label[order] == LABELS.index(Label.GOOD)
    data["any_run_good"] = np.logical_or.reduceat(good, first_at)
    data["any_run_stop"] = np.logical_or.reduceat(good & stop[order], first_at)
    data["runs"] = np.diff(np.append(first_at, len(order)))


def _add_carried(data: pd.DataFrame, rows: Columns, first: Codes) -> None:
    for name, default in _CARRIED_NUMBERS:
        data[name] = rows.number(name, default)[first]
    for name in ("policy_digest", "settings_digest"):
        codes, words = rows.codes(name)
        data[name] = categorical(codes[first], words)
    for name in ("time_to_pass_s", "time_to_pass_lower_s"):
        data[name] = rows.number(name)[first]
    started, last = rows.instant("started_at")[first], rows.instant("observed_until")[first]
    data["observed_s"] = np.where(last == NO_INSTANT, np.nan, (last - started) / _MICROSECONDS)
    data["fatal"] = rows.equals("reason", (Reason.FATAL.value,))[first]


__all__ = ["LABEL_AGE_S", "Group", "Label", "NoOutcome", "NotInGate", "Votes", "cast_votes"]
