"""Made-up incidents as the tables of a history, and the votes that are cast from them.

What is true of each incident is drawn elsewhere; here it only gets the form in which the estimates take it in, so that
the very functions that judge real histories judge these. Every incident has one run, in warn mode, and a label from an
alert an hour after its start.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kubernaut.history.rows import Outcome, OutcomeSource, Purpose
from kubernaut.verdicts import Verdict
from kubernaut_simulator.estimation.votes import cast_votes

START = pd.Timestamp("2026-01-05", tz="UTC")
"""A Monday, as in generated worlds."""

LABEL_AFTER = pd.Timedelta(hours=1)

TIMEOUT_S = 120.0

POLL_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MadeIncidents:
    """Incidents in order of start.

    Attributes
    ----------
    days : array of float, shape (n,)
        When each started, in days from the history's begin.
    targets : sequence of str
    good : array of bool, shape (n,)
    failed : mapping of str to array of bool
        Condition, as ``action/level/phase/type``, to whether it failed.
    passes_after_s : mapping of str to array of float
        Postcondition to when it begins to hold, seconds after the action's end; it is looked at every `POLL_S` and
        fails when that is after its timeout.
    label_after_s : array of float, shape (n,), or None
        From the start to the label; None means `LABEL_AFTER`.
    """

    days: NDArray[np.float64]
    targets: Sequence[str]
    good: NDArray[np.bool_]
    failed: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    passes_after_s: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    label_after_s: NDArray[np.float64] | None = None


def tables_of(made: MadeIncidents) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Give evaluations, executions and workflows."""
    number = np.arange(len(made.days))
    started = START + pd.to_timedelta(made.days, unit="D")
    common = pd.DataFrame(
        {
            "incident_id": [f"incident-{at}" for at in number],
            "workflow_uid": [f"workflow-{at}" for at in number],
            "execution_uid": [f"execution-{at}" for at in number],
            "namespace": "shop",
            "target_kind": "Deployment",
            "target_name": list(made.targets),
            "purpose": Purpose.FORWARD.value,
        }
    )
    evaluations = []
    for text, failed, held_s in _judged(made):
        action, level, phase, type_ = text.split("/")
        known_s = np.where(failed, TIMEOUT_S, held_s)
        evaluations.append(
            common.assign(
                action=action,
                level=level,
                phase=phase,
                type=type_,
                candidate=False,
                verdict=np.where(failed, Verdict.FAILED.value, Verdict.PASSED.value),
                required=False,
                bucket=0,
                percent=0.0,
                started_at=started,
                read_at=started + pd.to_timedelta(known_s, unit="s"),
                observed_until=started + pd.to_timedelta(known_s, unit="s"),
                timeout_s=TIMEOUT_S,
                hold_for_s=0.0,
                time_to_pass_s=np.where(failed, np.nan, held_s),
                time_to_pass_lower_s=np.where(failed, np.nan, held_s - POLL_S),
            )
        )
    workflows = common[["workflow_uid"]].assign(
        outcome=np.where(made.good, Outcome.EFFECTIVE.value, Outcome.INEFFECTIVE.value),
        outcome_source=OutcomeSource.ALERT.value,
        outcome_at=started
        + (LABEL_AFTER if made.label_after_s is None else pd.to_timedelta(made.label_after_s, unit="s")),
        finished_at=started + pd.Timedelta(minutes=10),
    )
    executions = common.assign(started_at=started, result="succeeded")
    return pd.concat(evaluations, ignore_index=True), executions, workflows


def _judged(made: MadeIncidents) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.float64]]]:
    """Give each condition with whether it failed, and with the look that passed, in seconds."""
    for text, failed in made.failed.items():
        yield text, failed, np.full(len(failed), POLL_S)
    for text, after_s in made.passes_after_s.items():
        held_s = np.maximum(np.ceil(after_s / POLL_S), 1.0) * POLL_S
        yield text, held_s > TIMEOUT_S, np.minimum(held_s, TIMEOUT_S)


def votes_of(made: MadeIncidents) -> pd.DataFrame:
    """Cast their votes, looked at when every label has come of age."""
    as_of = START + pd.Timedelta(days=float(made.days.max(initial=0.0)) + 3.0)
    return cast_votes(*tables_of(made), as_of=as_of).data
