"""A history recorded under enforcement, with a known truth: the engine's hash deals, a rule says what enforcement does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from kubernaut_simulator.history.history import History

from kubernaut.enforcement.rollout import bucket_of, is_enrolled
from kubernaut.history.ids import workflow_id
from kubernaut.history.rows import Outcome, Row
from kubernaut.identity import Level, Phase
from kubernaut.verdicts import Verdict

from .rows import ACTION, START, evaluation, execution, run_key, workflow


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of incidents under one percentage.

    Attributes
    ----------
    gap_h : float
        Hours between incidents.
    set_back : frozenset of str
        Types that are in warn mode all the same.
    """

    percent: float
    incidents: int
    gap_h: float = 1.0
    environment: str = "production"
    set_back: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is true of the incidents.

    Attributes
    ----------
    good : float
        Share of runs that do good when they are let through.
    false_stops, right_stops : mapping of type to float
        Chance to be stopped of a run that would do good, and of another.
    rescued : float
        Chance that a stopped run that would have done no good is put right by a person and ends effective.
    resolve_s : callable
        (rng, enrolled) to seconds until the incident is resolved.
    manual : callable
        (enrolled) to the chance of manual work.
    """

    good: float = 0.7
    false_stops: dict[str, float] = field(default_factory=lambda: {"deployment_exists": 0.03})
    right_stops: dict[str, float] = field(default_factory=lambda: {"deployment_exists": 0.6})
    rescued: float = 0.0
    resolve_s: Callable[[np.random.Generator, bool], float] = lambda rng, _: float(rng.lognormal(6.5, 1.0))
    manual: Callable[[bool], float] = lambda _: 0.4


def enforced_rows(stages: Sequence[Stage], truth: Truth | None = None, *, seed: int = 0) -> list[Row]:
    """Give the rows of one incident after the other, stage by stage."""
    truth = truth or Truth()
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    number, at = 0, START
    for stage in stages:
        for _ in range(stage.incidents):
            rows += _incident(number, at, stage, truth, rng)
            number += 1
            at += timedelta(hours=stage.gap_h)
    return rows


def enforced_history(
    stages: Sequence[Stage], truth: Truth | None = None, *, seed: int = 0, late_h: float = 48
) -> History:
    """Give the history, which is looked at `late_h` hours after its last incident."""
    rows = enforced_rows(stages, truth, seed=seed)
    last = max(row.recorded_at for row in rows)
    closing = [changed(rows[0], recorded_at=last + timedelta(hours=late_h))]
    return History.from_rows([*rows[1:], *closing])


def changed(row: Row, **changes: Any) -> Row:
    """Give a row with other values."""
    return replace(row, **changes)


def _incident(n: int, at: datetime, stage: Stage, truth: Truth, rng: np.random.Generator) -> list[Row]:
    incident = f"incident-{n}"
    bucket = bucket_of("default", incident)
    good = bool(rng.random() < truth.good)
    chances = truth.false_stops if good else truth.right_stops
    failed = {name: bool(rng.random() < chance) for name, chance in chances.items()}
    enrolled = is_enrolled(bucket, stage.percent)
    common = {"namespace": "shop", "target_name": f"web-{n % 40}", "environment": stage.environment}
    rows: list[Row] = []
    blocking = []
    for name, fails in failed.items():
        percent = 0.0 if name in stage.set_back else stage.percent
        enforced = is_enrolled(bucket, percent)
        if enforced and fails:
            blocking.append(f"{ACTION}/step/pre/{name}")
        rows.append(
            evaluation(
                n,
                record_id=run_key(n).evaluation_id(Level.STEP, Phase.PRE, name),
                type=name,
                required=True,
                enforced=enforced,
                bucket=bucket,
                percent=percent,
                verdict=Verdict.FAILED if fails else Verdict.PASSED,
                started_at=at,
                read_at=at + timedelta(milliseconds=40),
                recorded_at=at + timedelta(seconds=1),
                **common,
            )
        )
    stopped = bool(blocking)
    end = at + timedelta(seconds=30)
    ran = {} if not stopped else {"action_started_at": None, "action_ended_at": None}
    rows.append(
        execution(
            n,
            **{"action_started_at": at, "action_ended_at": at + timedelta(seconds=3)} | ran,
            started_at=at,
            finished_at=end,
            recorded_at=end,
            result="blocked" if stopped else "succeeded",
            stopped_by=tuple(blocking),
            **common,
        )
    )
    outcome = Outcome.EFFECTIVE if good and not stopped else Outcome.INEFFECTIVE
    if stopped and not good and rng.random() < truth.rescued:
        outcome = Outcome.EFFECTIVE
    rows.append(
        workflow(
            n,
            record_id=workflow_id(cluster_uid="cluster-1", workflow_uid=f"workflow-{n}"),
            detected_at=at,
            started_at=at,
            finished_at=end,
            recorded_at=end + timedelta(minutes=5),
            resolved_at=at + timedelta(seconds=truth.resolve_s(rng, enrolled)),
            result="failed" if stopped else "completed",
            outcome=outcome,
            outcome_at=at + timedelta(minutes=5),
            manual_intervention=bool(rng.random() < truth.manual(enrolled)),
            environment=stage.environment,
            namespace="shop",
        )
    )
    return rows
