"""A rollout played in plain loops against `rollout status` on the rows that such a rollout leaves behind."""

from datetime import timedelta

import numpy as np
import pytest
from helpers.enforced_history import changed
from helpers.rows import ACTION, START, evaluation, execution, run_key, workflow
from kubernaut_simulator.calibration.rollout_days import (
    KnownCondition,
    KnownWorld,
    day_of,
    goes_by_calendar,
    history_of,
    play_rollout,
)
from kubernaut_simulator.history.history import History
from kubernaut_simulator.rollout.following import rollout_status
from kubernaut_simulator.rollout.status_result import Says
from kubernaut_simulator.rollout.terms import RolloutTerms

from kubernaut.enforcement.rollout import bucket_of, is_enrolled
from kubernaut.history.ids import workflow_id
from kubernaut.history.rows import Outcome
from kubernaut.identity import Level, Phase
from kubernaut.verdicts import Verdict

NAME = "deployment_exists"
WORLD = KnownWorld(conditions=(KnownCondition(name=f"{ACTION}/step/pre/{NAME}", false_stops=0.03, right_stops=0.5),))
LOOKED_AT = 3
"""Last days on which the status is asked for: it takes the whole of a history each time."""

TERMS = RolloutTerms(stages=(10.0, 50.0), alpha=0.3, minimum_days=3.0, longest_days=12.0)


def rows_of(incident, number, name, percent):
    """What the operator would have recorded of one incident of the first stage."""
    at = START + timedelta(days=incident.day)
    bucket = bucket_of("default", name)
    enforced = is_enrolled(bucket, percent)
    fails = incident.stops[0]
    stopped = enforced and fails
    end = at + timedelta(seconds=30)
    common = {"namespace": "shop", "target_name": f"t-{incident.target}", "environment": "production"}
    ids = {"incident_id": name}
    never = {"action_started_at": None, "action_ended_at": None} if stopped else {}
    good = incident.good and not stopped
    return [
        evaluation(
            number,
            **ids,
            record_id=run_key(number).evaluation_id(Level.STEP, Phase.PRE, NAME),
            type=NAME,
            required=True,
            enforced=enforced,
            bucket=bucket,
            percent=percent,
            verdict=Verdict.FAILED if fails else Verdict.PASSED,
            started_at=at,
            read_at=at + timedelta(milliseconds=40),
            recorded_at=at + timedelta(seconds=1),
            **common,
        ),
        execution(
            number,
            **ids,
            **({"action_started_at": at, "action_ended_at": at + timedelta(seconds=3)} | never),
            started_at=at,
            finished_at=end,
            recorded_at=end,
            result="blocked" if stopped else "succeeded",
            stopped_by=(f"{ACTION}/step/pre/{NAME}",) if stopped else (),
            **common,
        ),
        workflow(
            number,
            **ids,
            record_id=workflow_id(cluster_uid="cluster-1", workflow_uid=f"workflow-{number}"),
            detected_at=at,
            started_at=at,
            finished_at=end,
            recorded_at=end + timedelta(minutes=5),
            outcome=Outcome.EFFECTIVE if good else Outcome.INEFFECTIVE,
            outcome_at=at + timedelta(minutes=5),
            result="failed" if stopped else "completed",
            environment="production",
            namespace="shop",
        ),
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_first_stage_ends_on_the_day_on_which_rollout_status_says_go(seed):
    played = play_rollout(WORLD, np.random.default_rng(seed), terms=TERMS, limits=[1.0], name="r")
    rng = np.random.default_rng(seed)
    days = int(played.days[0])
    rows, number = [], 0
    said = []
    for day in range(days):
        for incident in day_of(WORLD, day, rng):
            number += 1
            rows += rows_of(incident, number, f"r-{number}", TERMS.stages[0])
        if day < days - LOOKED_AT:
            continue
        midnight = START + timedelta(days=day + 1)
        history = History.from_rows([changed(rows[0], recorded_at=midnight), *rows[1:]])
        (stage,) = rollout_status(history, terms=TERMS, rollouts=1).stages
        # Evidence alone: the stage began at its first incident, some hours after midnight.
        said.append(stage.conditions[0].says)

    assert said[-1] is Says.GO
    assert all(one is Says.WAIT for one in said[:-1]) or days == TERMS.minimum_days


def test_a_history_keeps_the_worlds_rates_and_traffic():
    made = history_of(WORLD, np.random.default_rng(4), days=400)

    assert len(made.days) / 400 == pytest.approx(WORLD.incidents_per_day, rel=0.05)
    assert made.good.mean() == pytest.approx(WORLD.good, abs=0.03)
    failed = made.failed[WORLD.conditions[0].name]
    assert failed[made.good].mean() == pytest.approx(0.03, abs=0.01)
    assert failed[~made.good].mean() == pytest.approx(0.5, abs=0.05)


def test_a_condition_far_above_the_target_is_never_shown_below_it():
    wrong = KnownWorld(conditions=(KnownCondition(name="a/step/pre/b", false_stops=0.4, right_stops=0.5),))
    played = play_rollout(wrong, np.random.default_rng(3), terms=TERMS, limits=[1.0], name="w")

    assert played.set_back_in == [0]
    assert not played.enforced_at_last(0, 2)


def test_a_calendar_lets_a_condition_at_the_target_through_now_and_then():
    world = KnownWorld(conditions=(KnownCondition(name="a/step/pre/b", false_stops=0.15, right_stops=0.5),))
    rng = np.random.default_rng(3)
    went = [goes_by_calendar(world, rng, terms=RolloutTerms(), name=f"c{at}") for at in range(40)]

    assert 2 <= sum(went) <= 25
