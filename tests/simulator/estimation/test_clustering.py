import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.estimation.clustering import (
    Unit,
    cluster_spread,
    design_effect_limits,
    design_effects,
    one_vote_per_target_day,
    unit_for_gate,
)

VOTES = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=80)


@given(VOTES)
def test_the_variance_is_that_of_a_cluster_robust_mean(votes):
    yes, cluster = np.array([v[0] for v in votes]), np.array([v[1] for v in votes])
    found = cluster_spread(yes, cluster)
    if found.design_effect is None:
        assert yes.all() or not yes.any() or len(set(cluster)) == 1
        return

    fitted = sm.OLS(yes.astype(float), np.ones(len(yes))).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    share = yes.mean()
    assert found.design_effect == pytest.approx(fitted.cov_params()[0][0] / (share * (1 - share) / len(yes)), abs=1e-9)


def test_copies_of_one_vote_multiply_the_design_effect_by_their_number():
    yes = np.repeat([True, False, False, False, True, False, False, False, False, False], 5)
    day = np.repeat(np.arange(10), 5)
    found = cluster_spread(yes, day)

    assert found.design_effect == pytest.approx(5 * 10 / 9)
    assert found.correlation == pytest.approx(1.0)
    assert found.unit is Unit.TARGET_DAY


def test_the_intracluster_correlation_of_a_beta_binomial_is_found():
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(4000), 5)
    yes = rng.random(20_000) < rng.beta(1.0, 3.0, 4000)[cluster]
    found = cluster_spread(yes, cluster)

    assert found.correlation == pytest.approx(1 / (1 + 1 + 3), abs=0.02)
    assert found.design_effect == pytest.approx(1 + 4 * 0.2, abs=0.1)


def test_independent_votes_have_no_design_effect_to_speak_of():
    rng = np.random.default_rng(5)
    found = cluster_spread(rng.random(4000) < 0.2, np.repeat(np.arange(1000), 4))

    assert found.design_effect == pytest.approx(1.0, abs=0.15)
    assert found.unit is Unit.INCIDENT


def test_one_outage_without_a_stop_is_not_fifty_votes():
    found = cluster_spread(np.zeros(50, bool), np.zeros(50, int))

    assert found.design_effect is None
    assert found.worst_design_effect == 50
    assert found.unit is Unit.TARGET_DAY


def test_no_votes_have_no_spread():
    found = cluster_spread([], [])

    assert (found.n, found.clusters, found.design_effect, found.unit) == (0, 0, None, Unit.INCIDENT)


def test_single_votes_a_day_have_no_correlation():
    assert cluster_spread([True, False, True], [1, 2, 3]).correlation is None


def test_the_first_vote_speaks_for_its_target_day():
    votes = pd.DataFrame(
        {
            "condition": ["a", "a", "a", "b"],
            "candidate": False,
            "target_day": [1, 1, 2, 1],
            "run_started_at": pd.to_datetime([30, 10, 20, 5], unit="s", utc=True),
            "incident_id": ["w", "x", "y", "z"],
        }
    )

    assert one_vote_per_target_day(votes)["incident_id"].tolist() == ["x", "y", "z"]


def test_an_outage_without_a_stop_leaves_the_design_effect_open_although_single_stops_are_seen():
    yes = np.concatenate([np.zeros(50, bool), np.arange(250) < 8])
    found = cluster_spread(yes, np.concatenate([np.zeros(50, int), np.arange(1, 251)]))

    assert found.design_effect < 1.5
    assert found.design_effect_upper == found.worst_design_effect > 9
    assert found.unit is Unit.TARGET_DAY


def test_bunches_that_are_shown_to_be_independent_count_as_incidents():
    rng = np.random.default_rng(11)
    found = cluster_spread(rng.random(300) < 0.2, np.repeat(np.arange(150), 2))

    assert found.worst_design_effect == 2.0
    assert found.design_effect_upper < 1.5
    assert found.unit is Unit.INCIDENT


@given(VOTES)
def test_the_limit_lies_between_one_and_the_worst_case(votes):
    found = cluster_spread([v[0] for v in votes], [v[1] for v in votes])

    assert 1.0 <= found.design_effect_upper <= found.worst_design_effect + 1e-9


def test_many_histories_at_once_have_the_design_effects_of_each():
    rng = np.random.default_rng(3)
    size = np.array([1, 1, 1, 2, 2, 3, 8, 50], dtype=float)
    total = rng.binomial(size.astype(int), 0.15, (30, len(size))).astype(float)
    effects, limits = design_effects(size, total), design_effect_limits(size, total)
    for at in range(30):
        yes = np.concatenate([np.arange(s) < k for s, k in zip(size, total[at], strict=True)])
        found = cluster_spread(yes, np.repeat(np.arange(len(size)), size.astype(int)))

        assert found.design_effect_upper == pytest.approx(limits[at])
        assert (found.design_effect is None) == np.isnan(effects[at])
        assert found.design_effect is None or found.design_effect == pytest.approx(effects[at])


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 1.0])
def test_the_limit_covers_the_true_design_effect_of_bunches_of_one_size(correlation):
    rng = np.random.default_rng(9)
    size = np.full(60, 4.0)
    worlds, rate = 4_000, 0.2
    if correlation in (0.0, 1.0):
        chance = np.full((worlds, 60), rate) if correlation == 0.0 else (rng.random((worlds, 60)) < rate).astype(float)
    else:
        spread = 1 / correlation - 1
        chance = rng.beta(rate * spread, (1 - rate) * spread, (worlds, 60))
    limits = design_effect_limits(size, rng.binomial(4, chance).astype(float))

    assert (limits >= 1 + 3 * correlation - 1e-9).mean() >= 0.92


def test_a_first_outage_after_the_cut_makes_target_days_the_unit_of_the_gate():
    rng = np.random.default_rng(2)
    searched, single = rng.random(300) < 0.1, np.arange(300)
    outage = np.concatenate([np.full(50, 1000), np.arange(100)])

    assert unit_for_gate(searched, single, np.arange(200)) is Unit.INCIDENT
    assert unit_for_gate(searched, single, outage) is Unit.TARGET_DAY
    assert unit_for_gate([], [], np.arange(5)) is Unit.INCIDENT
    assert unit_for_gate([], [], np.zeros(5)) is Unit.TARGET_DAY
    assert unit_for_gate(searched, single, []) is Unit.INCIDENT


def test_bunches_shown_to_be_harmless_before_the_cut_are_harmless_after_it():
    rng = np.random.default_rng(2)
    searched, pairs = rng.random(400) < 0.2, np.repeat(np.arange(200), 2)

    assert unit_for_gate(searched, pairs, np.repeat(np.arange(90), 2)) is Unit.INCIDENT
    assert unit_for_gate(searched, pairs, np.repeat(np.arange(30), 6)) is Unit.TARGET_DAY
