import numpy as np
import pandas as pd
import pytest
from helpers.enforced_history import Stage, Truth, changed, enforced_history, enforced_rows
from helpers.rows import START, execution
from kubernaut_simulator.effect.accounts import accounts_of
from kubernaut_simulator.effect.effect import business_effect
from kubernaut_simulator.effect.effects import HORIZON_S, Measure, effects
from kubernaut_simulator.effect.gates import Answer, GuideStage, gates, guide_stage
from kubernaut_simulator.effect.incidents import cascade_steps, experiment_of
from kubernaut_simulator.effect.returns import Costs, returns_of
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.rollout.seen import seen_rollouts

from kubernaut.enforcement.rollout import bucket_of, is_enrolled
from kubernaut.history.rows import ExecutionRow, OutcomeSource, WorkflowRow
from kubernaut.verdicts import Verdict

WARN = Stage(percent=0, incidents=60)
HALF = Stage(percent=50, incidents=500)
HELPS = Truth(
    rescued=0.9,
    right_stops={"deployment_exists": 0.95},
    resolve_s=lambda rng, enrolled: float(rng.lognormal(5.5 if enrolled else 6.8, 0.8)),
    manual=lambda enrolled: 0.15 if enrolled else 0.5,
)


def of(history, measure):
    return {one.measure: one for one in effects(experiment_of(history).data)}[measure]


def gates_of(history, **stage):
    found = gates(experiment_of(history), seen_rollouts(history), horizon_s=HORIZON_S)
    return {one.name: one for one in found if all(getattr(one, name) == value for name, value in stage.items())}


def test_the_arm_is_what_the_engines_hash_assigned():
    data = experiment_of(enforced_history([WARN, HALF])).data
    percent = dict(zip(data["incident_id"], data["percent"], strict=True))
    expected = [is_enrolled(bucket_of("default", name), percent[name]) for name in data["incident_id"]]

    assert data["enrolled"].tolist() == expected
    assert data["percent"].value_counts().to_dict() == {50.0: 500, 0.0: 60}


def test_a_stopped_incident_counts_in_the_arm_it_was_dealt_to_and_as_not_effective():
    history = enforced_history([HALF], Truth(false_stops={"deployment_exists": 0.5}))
    data = experiment_of(history).data
    stopped = data[data["stopped"]]

    assert stopped["enrolled"].all()
    assert (stopped["effective"] == 0).all()
    assert of(history, Measure.EFFECTIVENESS).difference.upper < 0


@pytest.mark.parametrize(("truth", "expected"), [(Truth(false_stops={"deployment_exists": 0.0}), 0.0), (HELPS, 0.245)])
def test_effectiveness_is_estimated_without_bias_through_history_and_hash(truth, expected):
    # Good runs 70 %; enrolled: 3 % of the good are stopped, and 0.9 x 0.95 of the other 30 % are put right.
    found = [of(enforced_history([HALF], truth, seed=seed), Measure.EFFECTIVENESS).difference for seed in range(8)]
    true = expected if expected == 0 else -0.7 * 0.03 + 0.3 * 0.95 * 0.9
    error = float(np.mean([one.standard_error for one in found])) / len(found) ** 0.5

    assert abs(np.mean([one.estimate for one in found]) - true) <= 4 * error
    assert sum(one.lower <= true <= one.upper for one in found) >= 6


def test_young_incidents_are_left_out_of_both_arms():
    late = enforced_history([HALF], late_h=0)

    assert experiment_of(late).counts == {"younger than the label age": 24}


def test_labels_of_the_targets_own_health_do_not_count():
    rows = [
        changed(row, outcome_source=OutcomeSource.HEALTH) if isinstance(row, WorkflowRow) else row
        for row in enforced_rows([Stage(percent=50, incidents=50)], Truth(false_stops={}, right_stops={"x": 0.0}))
    ]
    data = experiment_of(History.from_rows(rows), as_of=pd.Timestamp("2027-01-01", tz="UTC")).data

    assert data["effective"].isna().all()


def test_an_incident_that_is_not_resolved_yet_is_observed_until_the_historys_end():
    rows = [
        changed(row, resolved_at=None) if isinstance(row, WorkflowRow) else row
        for row in enforced_rows([Stage(percent=50, incidents=3)])
    ]
    end = pd.Timestamp(START) + pd.Timedelta(days=3)
    data = experiment_of(History.from_rows(rows), as_of=end).data

    assert not data["resolved"].any()
    assert data["resolve_s"].tolist() == [(3 * 24 - hour) * 3600.0 for hour in range(3)]


def with_cascades(*, share):
    """Two steps each; in some, the second ran although a postcondition of the first had failed (never if enrolled)."""
    rows = enforced_rows([HALF], Truth(false_stops={"deployment_exists": 0.0}, right_stops={"deployment_exists": 0.0}))
    rng = np.random.default_rng(5)
    more = []
    for n, run in enumerate([row for row in rows if isinstance(row, ExecutionRow)]):
        enrolled = is_enrolled(bucket_of("default", run.incident_id), 50)
        fails = rng.random() < (0.0 if enrolled else share)
        first = next(row for row in rows if getattr(row, "verdict", None) and row.execution_uid == run.execution_uid)
        more.append(
            changed(first, record_id=f"post-{n}", phase="post", verdict=Verdict.FAILED if fails else Verdict.PASSED)
        )
        more.append(
            execution(
                n,
                record_id=f"second-{n}",
                execution_uid=f"second-{n}",
                step=2,
                started_at=run.started_at,
                action_started_at=run.action_ended_at,
                action_ended_at=run.finished_at,
                finished_at=run.finished_at,
                incident_id=run.incident_id,
                workflow_uid=run.workflow_uid,
                recorded_at=run.recorded_at,
            )
        )
    last = max(row.recorded_at for row in rows)
    return History.from_rows([*rows, *more, changed(more[0], recorded_at=last + pd.Timedelta(days=2))])


def test_cascades_are_compared_among_incidents_with_several_steps():
    history = with_cascades(share=0.4)
    found = of(history, Measure.CASCADES).difference

    assert found.enrolled == 0
    assert found.estimate == pytest.approx(-0.4, abs=0.1)
    assert gates_of(history, percent=50.0)["cascades -15 points"].answer is Answer.PASS
    accounts = accounts_of(replay(history))
    assert accounts.cascades.n == 500
    assert accounts.cascades.k == accounts.cascade_steps > 50


def test_a_step_is_a_cascade_only_if_it_came_after_the_failed_one():
    at = pd.Timestamp("2026-01-01", tz="UTC")
    minutes = [at + pd.Timedelta(minutes=m) for m in range(6)]
    evaluations = pd.DataFrame(
        {"workflow_uid": ["w", "w", "w"], "step": [1, 2, 2], "phase": ["post", "post", "pre"],
         "verdict": ["Failed", "Passed", "Failed"]}
    )  # fmt: skip
    executions = pd.DataFrame(
        {"workflow_uid": ["w"] * 5, "execution_uid": list("abcde"), "step": [1, 2, 3, 4, 0],
         "action_started_at": [minutes[0], minutes[1], minutes[4], pd.NaT, minutes[5]],
         "action_ended_at": [minutes[3], minutes[2], minutes[5], pd.NaT, minutes[5]]}
    )  # fmt: skip

    # b ran beside the failed step, d never ran, e is no later step.
    assert cascade_steps(evaluations, executions)["execution_uid"].tolist() == ["c"]


@pytest.mark.parametrize(
    ("environment", "percent", "stage"),
    [
        ("canary", 50.0, GuideStage.CANARY),
        ("staging", 5.0, GuideStage.STAGING),
        ("", 5.0, GuideStage.CANARY),
        ("", 10.0, GuideStage.PRODUCTION),
        ("production", 5.0, GuideStage.PRODUCTION),
        ("eu-west", 50.0, GuideStage.PRODUCTION),
    ],
)
def test_the_guides_stage_is_the_environments_or_the_percentages(environment, percent, stage):
    assert guide_stage(environment, percent) is stage


def test_gates_pass_fail_or_have_not_enough_data():
    good = gates_of(enforced_history([WARN, HALF], HELPS), percent=50.0)
    none = gates_of(enforced_history([WARN, HALF]), percent=50.0)
    few = gates_of(enforced_history([Stage(percent=50, incidents=30)]), percent=50.0)

    assert good["time to resolve -40 %"].answer is Answer.PASS
    assert good["manual intervention -15 points"].answer is Answer.PASS
    assert good["false positives below 15%"].answer is Answer.PASS
    assert none["time to resolve -40 %"].answer is Answer.FAIL
    assert none["cascades -15 points"].answer is Answer.NOT_ENOUGH
    assert few["manual intervention -15 points"].answer is Answer.NOT_ENOUGH
    assert "20 of each needed" in few["manual intervention -15 points"].why


def test_an_interval_that_holds_both_answers_is_not_enough_data():
    truth = Truth(manual=lambda enrolled: 0.25 if enrolled else 0.4)
    gate = gates_of(enforced_history([HALF], truth), percent=50.0)["manual intervention -15 points"]

    assert gate.answer is Answer.NOT_ENOUGH
    assert "holds both answers" in gate.why


def test_gates_that_need_enforcement_say_so_in_warn_mode_and_at_100_percent():
    warn = gates_of(enforced_history([Stage(percent=0, incidents=80, environment="canary")]))
    full = gates_of(enforced_history([Stage(percent=100, incidents=80, environment="staging")]))

    assert "starts with enforcement" in warn["effectiveness +10 points"].why
    assert warn["false positives below 20%"].answer is Answer.PASS
    assert "nobody is left to compare with" in full["effectiveness +15 points"].why
    assert "nobody is held out" in full["false positives below 15%"].why


def test_false_positives_fail_or_stay_open_by_the_sequential_test():
    many = gates_of(enforced_history([HALF], Truth(false_stops={"deployment_exists": 0.5})), percent=50.0)
    near = gates_of(enforced_history([HALF], Truth(false_stops={"deployment_exists": 0.15})), percent=50.0)
    few = gates_of(enforced_history([Stage(percent=50, incidents=20)]), percent=50.0)

    assert many["false positives below 15%"].answer is Answer.FAIL
    assert near["false positives below 15%"].answer is Answer.NOT_ENOUGH
    assert "not enough data" in few["false positives below 15%"].why


def test_time_of_a_step_is_gated_in_the_canary_and_in_staging():
    slow = Stage(percent=50, incidents=200, environment="staging")
    rows = [
        changed(row, finished_at=row.started_at + pd.Timedelta(seconds=60 if row.result == "blocked" else 30))
        if isinstance(row, ExecutionRow)
        else row
        for row in enforced_rows([slow, Stage(percent=5, incidents=900)])
    ]
    rows.append(changed(rows[0], recorded_at=max(row.recorded_at for row in rows) + pd.Timedelta(days=2)))
    history = History.from_rows(rows)

    assert gates_of(history, percent=50.0)["at most 5 s added to a step"].why.startswith("+")
    assert gates_of(history, percent=5.0, stage=GuideStage.PRODUCTION)


def test_accounts_count_what_would_have_been_stopped():
    accounts = accounts_of(replay(enforced_history([Stage(percent=0, incidents=300)])))
    row = accounts.per_condition.iloc[0]

    assert accounts.good.n + accounts.harmful.n == 300
    assert accounts.good.k == row["good stopped"] == row["alone"] - row["others stopped"]
    assert accounts.harmful.estimate == pytest.approx(0.6, abs=0.12)
    assert accounts.judging_s == pytest.approx((0.04, 0.04))
    assert accounts.waiting_s is None


def test_accounts_of_a_condition_that_was_never_judged_are_empty():
    accounts = accounts_of(replay(enforced_history([WARN])), ["scale_deployment/step/pre/never"])

    assert accounts.per_condition["good"].tolist() == [0]
    assert accounts.good.k == 0


def test_a_return_needs_stated_costs_and_shown_effects():
    history = enforced_history([HALF], HELPS)
    found = effects(experiment_of(history).data)
    saved = {one.measure: one.difference for one in found}
    costs = Costs(per_incident_hour=90.0, per_manual_intervention=50.0, investment=1e5, per_year=1000.0)
    back = returns_of(found, costs, incidents_per_day=2.0)
    by_hand = -1000 - 2 * 365.25 * (
        90 / 3600 * saved[Measure.RESOLUTION].estimate + 50 * saved[Measure.MANUAL].estimate
    )

    assert returns_of(found, Costs(investment=1e5), incidents_per_day=2.0) is None
    assert back.estimate == pytest.approx(by_hand)
    assert back.lower < back.estimate < back.upper
    assert back.payback_years == pytest.approx(1e5 / by_hand)
    assert returns_of(found, Costs(per_incident_hour=0.0), incidents_per_day=2.0).payback_years is None


def test_without_two_arms_there_is_no_return():
    back = returns_of(
        effects(experiment_of(enforced_history([WARN])).data), Costs(per_incident_hour=9.0), incidents_per_day=2.0
    )

    assert back.estimate is None
    assert "not enough data" in back.why


def test_it_can_be_shown_everywhere():
    found = business_effect(
        replay(enforced_history([WARN, HALF], HELPS)), costs=Costs(per_incident_hour=90.0, investment=100.0)
    )
    nothing = business_effect(replay(enforced_history([WARN])), costs=Costs(per_incident_hour=90.0))

    assert set(found.data["says"]) <= {"more", "less", "no difference shown", "not enough data"}
    assert found.by_stage["percent"].unique().tolist() == [50.0]
    assert "paid back" in found.summary["return a year"]
    assert found.as_json()["gates"][0]["gate"].startswith("false positives")
    assert len(found.plot().data) == 1
    assert "not savings" in found.text()
    assert nothing.by_stage.empty
    assert "not enough data" in nothing.summary["return a year"]
    assert nothing.data["enrolled"].isna().all()
