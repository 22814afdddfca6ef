"""One row per incident, with the arm that the rollout's hash assigned it to and what became of it.

The arm is what was assigned, never what happened: an enrolled incident counts as enrolled when nothing was stopped,
when the stop was overridden, and when a retry slipped through. That is what makes the comparison an experiment. Each
outcome is of the incident as a whole, all of its runs together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kubernaut.history.rows import Outcome, OutcomeSource, Purpose
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.labels import STOPPED_RESULTS
from kubernaut_simulator.estimation.votes import LABEL_AGE_S

if TYPE_CHECKING:
    from kubernaut_simulator.history.history import History

_EVALUATION = [
    "incident_id",
    "workflow_uid",
    "execution_uid",
    "step",
    "phase",
    "candidate",
    "purpose",
    "environment",
    "action",
    "required",
    "validation_enabled",
    "bucket",
    "percent",
    "verdict",
    "started_at",
]
_EXECUTION = [
    "incident_id",
    "workflow_uid",
    "execution_uid",
    "step",
    "purpose",
    "dry_run",
    "started_at",
    "action_started_at",
    "action_ended_at",
    "finished_at",
    "result",
    "blocked_s",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Experiment:
    """Incidents with their arms.

    Attributes
    ----------
    data : DataFrame
        One row per incident: `incident_id`, `environment`, `action`, `percent` (highest of the required conditions in
        its first run; 0..100), `bucket`, `enrolled`, `started_at`, `effective` (1, 0, NaN where not known yet),
        `stopped` (a run was), `cascade` (1, 0; NaN with one step), `manual` (1, 0, NaN),
        `resolve_s` (from detection to resolution, or to the history's end), `resolved` (False: not resolved by then),
        `step_s` (mean duration of its steps; NaN where none finished).
    counts : mapping of str to int
        Incidents not in the data, by reason.
    as_of : Timestamp
    """

    data: pd.DataFrame
    counts: Mapping[str, int]
    as_of: pd.Timestamp


def experiment_of(history: History, *, as_of: pd.Timestamp | None = None) -> Experiment:
    """Lay a history out by incident.

    Parameters
    ----------
    as_of : Timestamp or None
        None means the history's end.

    Notes
    -----
    An incident is effective when a run of it was labelled effective. A stopped incident without such a run counts as
    not effective: the guard kept the remediation from the good that it might have done, and that must show. Only labels
    that are independent of the conditions' facts count; `health` does not. Incidents younger than the label age are
    left out of both arms alike.
    """
    as_of = history.as_of if as_of is None else as_of
    evaluations = _forward(history.evaluations.select(_EVALUATION).to_pandas())
    evaluations = evaluations[~evaluations["candidate"]]
    executions = _forward(history.executions.select(_EXECUTION).to_pandas())
    executions = executions[~executions["dry_run"]]
    workflows: pd.DataFrame = history.workflows.to_pandas()
    workflows["incident_id"] = workflows["incident_id"].astype(str)
    evaluations = evaluations[evaluations["execution_uid"].isin(executions["execution_uid"])]
    data = _arms(evaluations)
    counted = len(data)
    data = data.merge(_outcomes(executions, workflows, as_of), on="incident_id", how="left")
    data = data.merge(_cascades(evaluations, executions), on="incident_id", how="left")
    young = data["started_at"] > as_of - pd.Timedelta(seconds=LABEL_AGE_S)
    data = data[~young].sort_values(["started_at", "incident_id"], kind="stable").reset_index(drop=True)
    counts = {"younger than the label age": counted - len(data)}
    return Experiment(data=data, counts={why: n for why, n in counts.items() if n}, as_of=as_of)


def _forward(rows: pd.DataFrame) -> pd.DataFrame:
    for name in ("incident_id", "workflow_uid", "execution_uid", "environment", "action", "verdict", "phase", "result"):
        if name in rows:
            rows[name] = rows[name].astype(str)
    return rows[rows["purpose"].astype(str) == Purpose.FORWARD.value]


def _arms(evaluations: pd.DataFrame) -> pd.DataFrame:
    """Give each incident's assignment, from the run that it began with."""
    ordered = evaluations.sort_values(["started_at", "execution_uid"], kind="stable")
    first = ordered.drop_duplicates("incident_id")[["incident_id", "workflow_uid"]]
    own = ordered.merge(first, on=["incident_id", "workflow_uid"])
    counts = own["required"] & own["validation_enabled"]
    arms = (
        own.assign(percent=own["percent"].where(counts, 0.0))
        .groupby("incident_id", sort=True)
        .agg(
            environment=("environment", "first"),
            action=("action", "first"),
            percent=("percent", "max"),
            bucket=("bucket", "first"),
            started_at=("started_at", "min"),
        )
        .reset_index()
    )
    # The engine's rule (`kubernaut.enforcement.rollout.is_enrolled`) on whole columns.
    arms["enrolled"] = arms["bucket"] < np.round(arms["percent"] * 100, 6)
    return arms


def _outcomes(executions: pd.DataFrame, workflows: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    outcome = workflows["outcome"].astype(object)
    labelled = workflows["outcome_source"].astype(object).ne(OutcomeSource.HEALTH.value) & outcome.notna()
    begun = workflows["detected_at"].fillna(workflows["started_at"])
    flows = workflows.assign(
        good=labelled & (outcome == Outcome.EFFECTIVE.value),
        known=labelled & outcome.isin([Outcome.EFFECTIVE.value, Outcome.INEFFECTIVE.value]),
        begun=begun,
    )
    of_flows = flows.groupby("incident_id").agg(
        good=("good", "any"),
        known=("known", "any"),
        manual=("manual_intervention", "any"),
        begun=("begun", "min"),
        resolved_at=("resolved_at", "min"),
    )
    halted = executions["result"].isin(STOPPED_RESULTS)
    seconds = (executions["finished_at"] - executions["started_at"]).dt.total_seconds()
    of_steps = executions.assign(halted=halted, seconds=seconds).groupby("incident_id")
    found = of_steps.agg(stopped=("halted", "any"), step_s=("seconds", "mean")).join(of_flows, how="left")
    known = found["known"].eq(True) | found["stopped"]
    found["effective"] = found["good"].eq(True).astype(float).where(known)
    resolved = found["resolved_at"].notna() & (found["resolved_at"] <= as_of)
    end = found["resolved_at"].where(resolved, as_of)
    found["resolve_s"] = (end - found["begun"]).dt.total_seconds().clip(lower=0.0)
    found["resolved"] = resolved
    found["manual"] = found["manual"].astype(float)
    columns = ["effective", "stopped", "manual", "resolve_s", "resolved", "step_s"]
    return found[columns].reset_index()


def _cascades(evaluations: pd.DataFrame, executions: pd.DataFrame) -> pd.DataFrame:
    """Say of each incident with several steps whether a later one ran after one whose postcondition had failed."""
    pairs = cascade_steps(evaluations, executions)
    several = executions.groupby("workflow_uid")["step"].nunique().gt(1).rename("several")
    flows = executions[["incident_id", "workflow_uid"]].drop_duplicates()
    flows = flows.merge(several, left_on="workflow_uid", right_index=True)
    flows["cascade"] = flows["workflow_uid"].isin(pairs["workflow_uid"]).astype(float).where(flows["several"])
    return flows.groupby("incident_id")["cascade"].max().reset_index()


def cascade_steps(evaluations: pd.DataFrame, executions: pd.DataFrame) -> pd.DataFrame:
    """Steps whose action ran although a postcondition of an earlier step of the same workflow had failed.

    Parameters
    ----------
    evaluations : DataFrame
        Columns `workflow_uid`, `step`, `phase`, `verdict`.
    executions : DataFrame
        Columns `workflow_uid`, `execution_uid`, `step`, `started_at`, `action_started_at`, `action_ended_at`.

    Returns
    -------
    DataFrame
        One row per such step: `workflow_uid`, `execution_uid`, `step`.

    Notes
    -----
    History does not say which step depends on which, so every later step that started its action after the failed
    step's action ended counts; steps that ran side by side do not.
    """
    failed = evaluations[(evaluations["phase"] == "post") & (evaluations["verdict"] == Verdict.FAILED.value)]
    failed = failed[["workflow_uid", "step"]].drop_duplicates()
    ended = executions[["workflow_uid", "step", "action_ended_at"]].merge(failed, on=["workflow_uid", "step"])
    later = executions[executions["action_started_at"].notna()]
    pairs = later.merge(ended, on="workflow_uid", suffixes=("", "_failed"))
    after = (pairs["step"] > pairs["step_failed"]) & (pairs["action_started_at"] >= pairs["action_ended_at_failed"])
    return pairs.loc[after, ["workflow_uid", "execution_uid", "step"]].drop_duplicates().reset_index(drop=True)
