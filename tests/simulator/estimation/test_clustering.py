import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.estimation.clustering import Unit, cluster_spread, one_vote_per_target_day

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
