"""What was seen of a past run, as rows of history: what the operator would have written, had it been there.

Looks are where scrapes were, so a condition's rows say that it was looked at once an interval of scraping. Verdicts
come from the engine's own fold, rows from its own form of them. Rows carry the label `source: telemetry`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kubernaut._version import __version__
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.enforcement.rollout import bucket_of
from kubernaut.facts.registry import REGISTRY_VERSION
from kubernaut.facts.snapshot import Snapshot
from kubernaut.history.ids import RunKey
from kubernaut.history.rows import AttemptRow, EvaluationRow
from kubernaut.identity import Phase
from kubernaut.verdicts import Judgement, Reason, Verdict
from kubernaut.verification.precondition import attempt_of
from kubernaut.verification.rows import Ended, InForce, RunContext, look_row, settled_row
from kubernaut.verification.settle import Settled, settle, settle_precondition
from kubernaut.verification.timeline import Look, Terms
from kubernaut.verification.types import AttemptRecord
from kubernaut_simulator.telemetry.past_runs import PastRun

SOURCE = ("source", "telemetry")
"""Label of rows that were rebuilt."""

_ROLLOUT = "default"
_VERSIONS = {"engine": __version__, "fact_registry": str(REGISTRY_VERSION), "operator": "telemetry"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOnce:
    """One look at a past run, judged by one condition's policy.

    Attributes
    ----------
    at : datetime
    snapshot : Snapshot
        What is kept of the look.
    """

    at: datetime
    snapshot: Snapshot
    judgement: Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How a past run could be watched.

    Attributes
    ----------
    settings_digest : str
        Of the condition set.
    interval_s : float
        Between two scrapes.
    until : datetime or None
        The last scrape that was looked at.
    """

    settings_digest: str
    interval_s: float
    until: datetime | None


def rows_of(
    run: PastRun, condition: ResolvedCondition, looks: Sequence[SeenOnce], watched: Watched
) -> tuple[EvaluationRow, list[AttemptRow]]:
    """Give the evaluation of one condition of a run and its looks."""
    row, identity = run.execution, condition.id
    starts_at = row.started_at if identity.phase is Phase.PRE else row.action_ended_at
    settled = _settled(condition, looks, starts_at, watched)
    post = identity.phase is Phase.POST and starts_at is not None
    # What is told of polls is how often Prometheus looked.
    looked_at = replace(condition, poll_interval_s=watched.interval_s if post else None)
    began = starts_at or row.started_at
    context, end = _context(run, watched), _ended(settled, began, watched if post else None)
    evaluation = settled_row(context, looked_at, end, InForce(), recorded_at=end.read_at)
    attempts = [
        look_row(context, condition, _record(slot, look, identity.phase), recorded_at=look.at)
        for slot, look in enumerate(looks)
    ]
    return evaluation, attempts


def _context(run: PastRun, watched: Watched) -> RunContext:
    row = run.execution
    return RunContext(
        run=RunKey(
            cluster_uid=row.cluster_uid,
            workflow_uid=row.workflow_uid,
            execution_uid=row.execution_uid,
            step=row.step,
            purpose=row.purpose,
        ),
        incident_id=row.incident_id,
        execution_uid=row.execution_uid,
        settings_digest=watched.settings_digest,
        bucket=bucket_of(_ROLLOUT, row.incident_id),
        namespace=row.namespace,
        target_kind=row.target_kind,
        target_name=row.target_name,
        target_uid=row.target_uid,
        environment=row.environment,
        labels={**row.labels, SOURCE[0]: SOURCE[1]},
        versions=_VERSIONS,
    )


def _ended(settled: Settled, began: datetime, watched: Watched | None) -> Ended:
    """Give what it came to; `watched` is None where nothing was looked for after an action."""
    end = Ended(
        verdict=settled.verdict,
        reason=settled.reason.value,
        message=settled.message,
        started_at=began,
        read_at=began + timedelta(seconds=settled.settled_s),
        attempts=settled.attempts,
        observed_until=None,
        extended=settled.extended,
    )
    if watched is None:
        return end
    held = settled.held_since_s if settled.verdict is Verdict.PASSED else None
    return replace(
        end,
        observed_until=watched.until,
        deadline=began + timedelta(seconds=settled.deadline_s),
        held_since=None if held is None else began + timedelta(seconds=held),
        time_to_pass_s=settled.time_to_pass_s,
        time_to_pass_lower_s=settled.time_to_pass_lower_s,
    )


def _record(slot: int, look: SeenOnce, phase: Phase) -> AttemptRecord:
    return AttemptRecord(
        key="",
        slot=slot,
        began_at=look.at,
        read_at=look.at,
        result=attempt_of(look.judgement, precondition=phase is Phase.PRE),
        judgement=look.judgement,
        snapshot=look.snapshot,
    )


def _settled(
    condition: ResolvedCondition, looks: Sequence[SeenOnce], starts_at: datetime | None, watched: Watched
) -> Settled:
    if starts_at is None:
        return Settled(
            verdict=Verdict.SKIPPED,
            reason=Reason.ACTION_NEVER_RAN,
            message="the action never ran",
            settled_s=0.0,
            deadline_s=0.0,
            attempts=0,
        )
    if condition.id.phase is Phase.PRE:
        return settle_precondition(looks[0].judgement, elapsed_s=0.0, timeout_s=condition.timeout_s)
    terms = Terms(condition.timeout_s, condition.hold_for_s, watched.interval_s)
    seen = [
        Look(slot, (look.at - starts_at).total_seconds(), (look.at - starts_at).total_seconds(), look.judgement)
        for slot, look in enumerate(looks)
    ]
    return settle(seen, terms)
