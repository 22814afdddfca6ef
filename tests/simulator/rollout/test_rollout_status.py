from dataclasses import replace

import pandas as pd
import pytest
from helpers.enforced_history import Stage, Truth, enforced_history, enforced_rows
from kubernaut_simulator.history.history import History
from kubernaut_simulator.rollout.exported import promised_limits, required_conditions
from kubernaut_simulator.rollout.following import rollout_status
from kubernaut_simulator.rollout.plan import plan_rollout
from kubernaut_simulator.rollout.seen import seen_rollouts
from kubernaut_simulator.rollout.status_result import Says
from kubernaut_simulator.rollout.terms import RolloutTerms

from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.condition_set import ConditionSet
from kubernaut.conditions.settings import ActionSettings, BlockRate, Evidence, PreSettings, Settings
from kubernaut.errors import HistoryError
from kubernaut.history.rows import EvaluationRow, WorkflowRow
from kubernaut.identity import Level
from kubernaut.verdicts import Verdict

NAME = "scale_deployment/step/pre/deployment_exists"
WARN = Stage(percent=0, incidents=200)


def exported(*, upper, percent=10.0, required=True, name="deployment_exists"):
    """What a tuning would have exported for the one condition."""
    evidence = Evidence(block_rate=BlockRate(predicted=upper / 2, upper=upper, n=200))
    one = PreSettings(required=required, rollout_percent=percent, evidence=evidence)
    settings = Settings(actions={"scale_deployment": ActionSettings(pre={name: one})})
    texts = ConditionSet(level=Level.STEP, settings=settings, exact={}, candidates={}, libraries={})
    return {Level.STEP: CompiledSet(texts=texts, policies={}, candidates={})}


def status(*stages, truth=None, seed=1, **arguments):
    return rollout_status(enforced_history(stages, truth, seed=seed), rollouts=40, **arguments)


def test_a_rollout_with_enough_evidence_goes_to_the_next_stage():
    found = status(WARN, Stage(percent=10, incidents=300), conditions=exported(upper=0.3))
    (stage,) = found.stages

    assert found.says is stage.says is Says.GO
    assert stage.next_percent == 50.0
    assert stage.text().startswith("go to 50 %: 10 % for ")
    assert stage.planned_days is not None
    (one,) = stage.conditions
    assert (one.limit, one.budget_spent) == (0.3, False)
    assert one.block_rate.n == stage.enrolled
    assert one.false_stops.text() in one.why


def test_stops_whose_labels_never_come_do_not_let_a_rollout_go_on():
    rows = enforced_rows(
        (WARN, Stage(percent=10, incidents=300)), Truth(false_stops={"deployment_exists": 0.3}), seed=1
    )
    stopped = {row.workflow_uid for row in rows if isinstance(row, EvaluationRow) and row.verdict is Verdict.FAILED}
    silent = [
        replace(row, outcome=None, outcome_at=None, outcome_source=None)
        if isinstance(row, WorkflowRow) and row.workflow_uid in stopped
        else row
        for row in rows
    ]

    (stage,) = rollout_status(History.from_rows(silent), rollouts=40).stages

    assert stage.conditions[0].false_stops.k == 0
    assert stage.says is Says.WAIT


def test_fewer_than_20_good_holdout_incidents_are_not_enough_data():
    (stage,) = status(WARN, Stage(percent=10, incidents=20)).stages

    assert stage.says is Says.WAIT
    assert "not enough data" in stage.conditions[0].why


def test_evidence_alone_does_not_shorten_a_stage_below_a_week():
    (stage,) = status(WARN, Stage(percent=10, incidents=300, gap_h=0.2)).stages

    assert (stage.says, stage.why) == (Says.WAIT, "evidence suffices; the stage lasts at least 7 days")


def test_a_spent_budget_stops_the_rollout():
    truth = Truth(right_stops={"deployment_exists": 0.9}, good=0.5)
    found = status(WARN, Stage(percent=50, incidents=200), truth=truth, conditions=exported(upper=0.05))

    assert found.says is Says.STOP
    assert "block budget spent" in found.data["why"].iloc[0]
    assert "set back to warn: " + NAME in found.stages[0].why


def test_false_stops_on_the_holdout_stop_the_rollout_without_any_promise():
    truth = Truth(false_stops={"deployment_exists": 0.5})
    found = status(WARN, Stage(percent=10, incidents=200), truth=truth)

    assert found.says is Says.STOP
    assert "holdout shows more than 15% false stops" in found.data["why"].iloc[0]
    assert any("nothing was promised" in note for note in found.notes)


def test_the_first_stage_is_held_to_its_own_target():
    found = status(WARN, Stage(percent=5, incidents=100))

    assert found.data["target"].tolist() == [0.20]


def test_between_the_lines_it_waits():
    truth = Truth(false_stops={"deployment_exists": 0.14})
    (stage,) = status(WARN, Stage(percent=10, incidents=60), truth=truth, terms=RolloutTerms(alpha=0.001)).stages

    assert stage.says is Says.WAIT
    assert "not yet shown below 15%" in stage.conditions[0].why


def test_a_stage_that_lasts_longer_than_planned_says_so():
    history = enforced_history([WARN, Stage(percent=10, incidents=25, gap_h=24)])
    plan = plan_rollout(seen_rollouts(history).votes, rollouts=40, incidents_per_day=60.0)

    (stage,) = rollout_status(history, plan=plan).stages

    assert stage.days > 24
    assert "longer than in 9 of 10 simulated rollouts" in stage.why


def test_a_stage_beyond_the_longest_duration_is_undecided():
    terms = RolloutTerms(longest_days=20.0)
    (stage,) = status(WARN, Stage(percent=10, incidents=25, gap_h=24), terms=terms).stages

    assert "longer than the 20 days that a stage may last: undecided" in stage.why


def test_the_last_stage_stays():
    (stage,) = status(WARN, Stage(percent=98, incidents=2500)).stages

    assert stage.next_percent is None
    assert stage.says is Says.GO
    assert "stay" in stage.why
    assert "last stage, still measured" in stage.conditions[0].why


def test_a_condition_that_was_set_back_is_named():
    truth = Truth(
        false_stops={"deployment_exists": 0.02, "other": 0.02}, right_stops={"deployment_exists": 0.5, "other": 0.5}
    )
    back = Stage(percent=50, incidents=150, set_back=frozenset({"other"}))
    found = status(WARN, Stage(percent=10, incidents=100), back, truth=truth)

    assert found.stages[0].set_back == ("scale_deployment/step/pre/other",)
    assert [one.condition for one in found.stages[0].conditions] == [NAME]
    assert any("enforced before, not in this stage" in note for note in found.notes)


def test_a_rollout_set_back_to_warn_as_a_whole_says_stop():
    found = status(Stage(percent=10, incidents=100), WARN)

    assert found.says is Says.STOP
    assert "nothing is enforced now" in found.stages[0].why
    assert found.data.empty


def test_each_environment_is_a_rollout_of_its_own():
    stages = (WARN, Stage(percent=5, incidents=60, environment="canary"), Stage(percent=50, incidents=300))
    found = status(*stages)
    names = [(one.environment, one.percent) for one in found.stages]
    (canary,) = status(*stages, environment="canary").stages

    assert names == [("canary", 5.0), ("production", 50.0)]
    assert canary.environment == "canary"
    assert canary.name == "canary: scale_deployment"


def test_the_stages_so_far_are_told_with_their_share_enrolled():
    seen = seen_rollouts(enforced_history([WARN, Stage(percent=10, incidents=400), Stage(percent=50, incidents=400)]))
    stages = seen.stages

    assert stages["percent"].tolist() == [0.0, 10.0, 50.0]
    assert stages["incidents"].tolist() == [200, 400, 400]
    assert stages["enrolled"].tolist()[0] == 0
    assert stages["enrolled"].tolist()[2] / 400 == pytest.approx(0.5, abs=0.1)
    assert (stages["until"].iloc[:-1].to_numpy() == stages["since"].iloc[1:].to_numpy()).all()
    assert stages["until"].iloc[-1] == seen.as_of


def test_a_plan_may_be_given_and_one_without_the_stage_is_not_compared():
    history = enforced_history([WARN, Stage(percent=10, incidents=200)])
    votes = seen_rollouts(history).votes
    plan = plan_rollout(votes, terms=RolloutTerms(stages=(20.0, 98.0)), rollouts=10, incidents_per_day=24.0)

    assert rollout_status(history, plan=plan).stages[0].planned_days is None


def test_without_incidents_before_enforcement_the_holdout_makes_the_plan():
    found = status(Stage(percent=10, incidents=200))

    assert any("of the holdout" in note for note in found.notes)


def test_a_history_in_warn_mode_has_no_rollout():
    with pytest.raises(HistoryError, match="rollout plan"):
        status(WARN)
    with pytest.raises(HistoryError, match="in environment 'staging'"):
        status(WARN, Stage(percent=10, incidents=50), environment="staging")


def test_a_history_without_rows_has_no_rollout():
    with pytest.raises(HistoryError, match="no rows"):
        seen_rollouts(History({}))
    with pytest.raises(HistoryError, match="no incident has a vote"):
        seen_rollouts(History({}), as_of=pd.Timestamp("2026-01-01", tz="UTC"))


def test_it_can_be_shown_everywhere():
    found = status(WARN, Stage(percent=10, incidents=300), conditions=exported(upper=0.3))

    assert found.title == "Rollout status: go"
    assert len(found.plot().data) == 2
    assert "Clopper-Pearson" in found.text()
    assert found.as_json()["rows"][0]["budget"] == 0.3


def test_what_was_exported_says_what_is_rolled_out_and_promised():
    assert promised_limits(exported(upper=0.3)) == {NAME: 0.3}
    assert promised_limits(None) == {}
    assert required_conditions(exported(upper=0.3)) == [NAME]
    assert required_conditions(exported(upper=0.3, percent=0.0)) == []
    assert required_conditions(exported(upper=0.3, required=False)) == []
