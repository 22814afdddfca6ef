"""The plan: the same from the same seed, faults in their proportions, and a story for each."""

from collections import Counter

import pytest

from .faults import story_of
from .plan import MENDABLE, WEIGHTS, Fault, Retry, Weather, make_plan, one_of_each, shares
from .terms import LOOK_S, MAPS, POST_TIMEOUT_S, SETTLED_S, campaign_settings


def test_the_same_seed_gives_the_same_plan():
    assert make_plan(200, seed=3) == make_plan(200, seed=3)
    assert make_plan(200, seed=3) != make_plan(200, seed=4)


@pytest.mark.parametrize("count", [1, 19, 100, 320])
def test_each_fault_is_as_often_as_its_weight_says(count):
    found = Counter(shares(count))

    assert found.total() == count
    whole = sum(WEIGHTS.values())
    for fault, weight in WEIGHTS.items():
        assert abs(found[fault] - count * weight / whole) < 1


def test_every_fault_has_a_weight_a_story_and_replicas_to_ask_for():
    assert set(WEIGHTS) == set(Fault)
    for incident in one_of_each(seed=1).incidents:
        assert story_of(incident).doing
        assert 1 <= incident.before < incident.need <= 4


def test_rates_among_good_runs_rest_on_more_than_half():
    helped = {
        Fault.HEALTHY,
        Fault.LATE_READY,
        Fault.CRASH_ONCE,
        Fault.PULL_SECRET_UNUSED,
        Fault.PERSON,
        Fault.API_SLOW,
        Fault.METRICS_AWAY,
    }

    assert sum(WEIGHTS[fault] for fault in helped) > sum(WEIGHTS.values()) / 2


def test_readiness_comes_before_the_deadline_after_it_and_too_late():
    late = [one.delay_s for one in make_plan(320, seed=1).incidents if one.fault is Fault.LATE_READY]

    assert min(late) < POST_TIMEOUT_S < LOOK_S < max(late)
    assert [one for one in late if POST_TIMEOUT_S < one < LOOK_S]


def test_some_incidents_are_tried_again_and_only_what_can_be_is_mended():
    incidents = make_plan(320, seed=1).incidents

    assert {one.retry for one in incidents} == set(Retry)
    assert {one.fault for one in incidents if one.retry is Retry.MENDED} <= MENDABLE


def test_incidents_of_one_weather_run_together_and_none_is_lost():
    plan = make_plan(320, seed=1)
    by_weather = [plan.in_weather(weather) for weather in Weather]

    assert sum(map(len, by_weather)) == 320
    assert all(by_weather)
    assert len({one.id for one in plan.incidents}) == 320


def test_the_settings_keep_everything_in_warn_mode_and_record_all_facts():
    for level in MAPS.values():
        settings = campaign_settings(level)
        assert settings["recordFacts"] == "all"
        for phases in settings["actions"].values():
            for terms in (*phases["pre"].values(), *phases["post"].values()):
                assert terms["rolloutPercent"] == 0


def test_an_incident_lasts_until_its_conditions_are_settled():
    assert LOOK_S > SETTLED_S > POST_TIMEOUT_S
