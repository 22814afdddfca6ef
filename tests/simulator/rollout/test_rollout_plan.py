import json

import numpy as np
import pytest
from helpers.vote_frames import Rows, hours
from kubernaut_simulator.estimation.votes import cast_votes
from kubernaut_simulator.rollout import plan as planning
from kubernaut_simulator.rollout.plan import plan_rollout
from kubernaut_simulator.rollout.terms import RolloutTerms, stages_from_text

from kubernaut.errors import InputError

NAME = "scale_deployment/step/pre/"


def votes(*, incidents=200, a=4, b=60, good=0.7, seed=1):
    """Condition a stops few good runs, b far too many, c was hardly ever judged."""
    rng = np.random.default_rng(seed)
    rows = Rows()
    for i in range(incidents):
        verdicts = {"a": "Failed" if i % 100 < a else "Passed", "b": "Failed" if i % 100 < b else "Passed"}
        if i < 5:
            verdicts["c"] = "Passed"
        rows.run(f"i{i}", verdicts, hour=i * 2.0, outcome="effective" if rng.random() < good else "ineffective")
    return cast_votes(*rows.frames(), as_of=hours(1e6)).data


@pytest.fixture(scope="module")
def plan():
    return plan_rollout(votes(), rollouts=200, seed=3, incidents_per_day=40.0, window="March")


def test_the_plan_takes_what_is_below_the_target_and_says_why_the_others_are_not_in_it(plan):
    assert [one.condition for one in plan.conditions] == [NAME + "a"]
    assert "not below 15%" in plan.left_out_conditions[NAME + "b"]
    assert "not enough data" in plan.left_out_conditions[NAME + "c"]
    assert any(NAME + "c" in note for note in plan.notes)


def test_it_says_how_long_each_stage_lasts_and_how_sure_that_is(plan):
    table = plan.data

    assert table["percent"].tolist() == [5.0, 10.0, 50.0, 98.0]
    assert (table["days p10"] <= table["days p50"]).all()
    assert table["days p50"].min() >= 7.0
    assert table["shows"].tolist()[-1] == "20 good holdout incidents"
    # 2 % of 40 x 0.7 good incidents a day: 20 of them take about 36 days.
    assert table["days p50"].tolist()[-1] == pytest.approx(20 / (40 * 0.7 * 0.02) + 1, rel=0.15)
    low, middle, high = plan.days_to_last_stage()
    assert 21 <= low <= middle <= high


def test_it_counts_wrong_goes_and_wrong_stops_with_their_limits_never_zero_percent(plan):
    (one,) = plan.conditions

    assert one.wrong_go.n == one.wrong_stop.n == 200
    assert one.wrong_go.k <= one.wrong.k
    assert "0 %" not in one.wrong_go.text().split("(")[0]
    assert one.wrong_go_at_target.n == 50
    assert one.wrong_go_at_target.lower < 0.05
    assert one.true_rate[0] < one.false_stops.estimate < one.true_rate[2]
    assert one.limit == pytest.approx(one.block_rate.upper)
    assert one.blocks_at_double > 0


def test_the_same_seed_gives_the_same_plan_and_the_seed_is_said(plan):
    again = plan_rollout(votes(), rollouts=200, seed=3, incidents_per_day=40.0, window="March")
    other = plan_rollout(votes(), rollouts=200, seed=4, incidents_per_day=40.0, window="March")

    assert again.text() == plan.text()
    assert other.text() != plan.text()
    assert "seed 3" in plan.summary["simulated"]


def test_it_can_be_shown_everywhere(plan):
    as_json = json.loads(plan.to_json())

    assert len(plan.rollouts) == int(plan.simulated.reached.sum())
    assert as_json["conditions"][0]["condition"] == NAME + "a"
    assert len(plan.plot().data) == 4
    assert "at 98 % only 2 %" in plan.text()
    assert "<table" in plan.html()


def test_a_plan_to_100_percent_says_that_nothing_can_be_measured_there():
    plan = plan_rollout(votes(), terms=RolloutTerms(stages=(50.0, 100.0)), rollouts=20, incidents_per_day=60.0)

    assert plan.data["shows"].tolist()[-1] == "nothing: no longer measurable"
    assert any("at 100 % there is no holdout" in note for note in plan.notes)


def test_too_little_traffic_ends_undecided_and_not_in_a_guess():
    plan = plan_rollout(votes(), rollouts=30, incidents_per_day=0.1)

    assert plan.data["undecided"].tolist()[0] > 0.9
    assert plan.days_to_last_stage() == (None, None, None)
    assert np.isnan(plan.data["days p50"].tolist()[0])
    assert "not reached" in plan.summary["days to the last stage"]


def test_traffic_is_measured_unless_it_is_given():
    plan = plan_rollout(votes(), rollouts=10)

    assert plan.per_day == plan.measured_per_day == pytest.approx(200 / (199 * 2 / 24))


def test_conditions_and_budgets_may_be_named():
    plan = plan_rollout(
        votes(), conditions=[NAME + "a", NAME + "b"], limits={NAME + "a": 0.4}, rollouts=30, incidents_per_day=60.0
    )
    a, b = plan.conditions

    assert a.limit == 0.4
    assert b.wrong.k == 30
    assert b.wrong_go.k <= 3


def test_rollouts_are_simulated_in_parts_when_the_history_is_long(monkeypatch):
    monkeypatch.setattr(planning, "MOST_WEIGHTS", 20 * 200)
    plan = plan_rollout(votes(), rollouts=50, incidents_per_day=40.0)

    assert len(plan.simulated) == 50


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"conditions": ["scale_deployment/step/pre/x"]}, "no incident judged"),
        ({"conditions": []}, "no condition to roll out"),
        ({"incidents_per_day": 0.0}, "incidents a day"),
        ({"rollouts": 0}, "at least one"),
        ({"terms": RolloutTerms(target=0.001)}, "no condition to roll out"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_the_reason(arguments, why):
    with pytest.raises(InputError, match=why):
        plan_rollout(votes(), **arguments)


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"stages": ()}, "none"),
        ({"stages": (5.0, 5.0)}, "above the one before"),
        ({"stages": (0.0, 5.0)}, "above 0"),
        ({"stages": (5.0, 101.0)}, "at most 100"),
        ({"target": 1.0}, "between 0 and 1"),
        ({"first_target": 0.0}, "first target"),
        ({"alpha": 1.5}, "alpha"),
        ({"minimum_days": 9.0, "longest_days": 8.0}, "must not be above the most"),
    ],
)
def test_terms_that_mean_nothing_are_refused(terms, why):
    with pytest.raises(InputError, match=why):
        RolloutTerms(**terms)


def test_stages_are_read_from_text():
    assert stages_from_text("5,10, 50%,98") == (5.0, 10.0, 50.0, 98.0)
    with pytest.raises(InputError, match="5,10,50,98"):
        stages_from_text("five")
