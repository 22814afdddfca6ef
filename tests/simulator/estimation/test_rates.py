import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.estimation.rates import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    korn_graubard,
    percent,
    rate,
    wilson,
)
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

COUNTS = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("k", "n", "minimum", "text"),
    [
        (3, 120, 1, "3/120 = 2.5 % (upper 95 % 6.3 %)"),
        (0, 120, 1, "0/120 (upper 95 % 2.5 %)"),
        (0, 0, 1, "not enough data (n = 0)"),
        (1, 12, 20, "not enough data: 1/12 = 8.3 %, 12 of 20 needed (upper 95 % 33.9 %)"),
        (5, 5, 1, "5/5 = 100.0 % (upper 95 % 100.0 %)"),
        (1, 10_000, 1, "1/10000 = 0.01 % (upper 95 % 0.047 %)"),
    ],
)
def test_a_rate_reads_as_counts_share_and_bound(k, n, minimum, text):
    assert rate(k, n, minimum=minimum).text() == text
    assert str(rate(k, n, minimum=minimum)) == text


@given(COUNTS)
def test_limits_are_those_of_scipy_and_statsmodels(counts):
    k, n = counts
    found = rate(k, n)
    below = stats.binomtest(k, n, alternative="less").proportion_ci(0.95, method="exact").high
    above = stats.binomtest(k, n, alternative="greater").proportion_ci(0.95, method="exact").low
    low, high = proportion_confint(k, n, alpha=0.10, method="beta")

    assert found.upper == pytest.approx(below, abs=1e-9)
    assert found.lower == pytest.approx(above, abs=1e-9)
    assert (found.lower, found.upper) == pytest.approx((low, high), abs=1e-9)


@given(COUNTS)
def test_wilson_is_that_of_statsmodels(counts):
    k, n = counts
    low, high = proportion_confint(k, n, alpha=0.05, method="wilson")

    assert wilson(k, n).lower == pytest.approx(max(0, low), abs=1e-9)
    assert wilson(k, n).upper == pytest.approx(min(1, high), abs=1e-9)


@given(COUNTS)
def test_the_estimate_lies_between_its_limits_and_zero_seen_is_never_printed_as_zero(counts):
    k, n = counts
    found = rate(k, n)

    assert 0 <= found.lower <= found.estimate <= found.upper <= 1
    assert found.upper > 0
    assert "= 0.0 %" not in found.text()
    assert "= 0 %" not in found.text()


@given(st.integers(1, 500))
def test_more_runs_without_a_stop_tighten_the_bound_and_one_stop_loosens_it(n):
    assert rate(0, n + 1).upper < rate(0, n).upper < rate(1, n).upper or n == 1


def test_nothing_seen_has_no_estimate_and_says_anything_is_possible():
    found = rate(0, 0)

    assert found.estimate is None
    assert (found.lower, found.upper, found.enough) == (0.0, 1.0, False)
    assert wilson(0, 0).upper == 1.0


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2)])
def test_counts_that_are_no_share_are_refused(k, n):
    with pytest.raises(ValueError, match="is not a share"):
        rate(k, n)


@pytest.mark.parametrize("n", [1, 7, 20, 60, 240])
def test_the_upper_limit_covers_at_least_95_percent_of_worlds_at_every_rate(n):
    # Exact: the chance of each k is known, so no simulation is needed.
    k = np.arange(n + 1)
    upper, lower = clopper_pearson_upper(k, n), clopper_pearson_lower(k, n)
    for truth in np.linspace(0.001, 0.999, 201):
        chance = stats.binom.pmf(k, n, truth)
        assert chance[upper >= truth].sum() >= 0.95
        assert chance[lower <= truth].sum() >= 0.95


def test_korn_graubard_without_clustering_is_clopper_pearson():
    found = korn_graubard(9, 120, design_effect=1.0, clusters=120)
    low, high = proportion_confint(9, 120, alpha=0.05, method="beta")

    assert (found.lower, found.upper) == pytest.approx((low, high))


def test_korn_graubard_widens_with_the_design_effect_and_with_few_clusters():
    plain = korn_graubard(9, 120, design_effect=1.0, clusters=120)
    bunched = korn_graubard(9, 120, design_effect=3.0, clusters=120)
    few = korn_graubard(9, 120, design_effect=3.0, clusters=6)

    assert few.lower < bunched.lower < plain.lower < 9 / 120 < plain.upper < bunched.upper < few.upper
    assert "effective n 40.0 of 120" in bunched.method
    # 120 / 3 * (t_119 / t_5)^2, by hand.
    assert "effective n 23.7 of 120" in few.method


def test_korn_graubard_never_counts_more_votes_than_there_are():
    assert korn_graubard(9, 120, design_effect=0.5, clusters=120).method.endswith("120.0 of 120")


@pytest.mark.parametrize(
    ("n", "design_effect", "clusters"), [(59, 1.0, 59), (60, 1.0, 1), (60, 0.0, 20), (60, float("nan"), 20)]
)
def test_korn_graubard_is_left_out_where_its_effective_n_means_nothing(n, design_effect, clusters):
    assert korn_graubard(3, n, design_effect=design_effect, clusters=clusters) is None


@pytest.mark.slow
def test_korn_graubard_covers_clustered_rates_where_clopper_pearson_does_not():
    rng = np.random.default_rng(7)
    from kubernaut_simulator.estimation.clustering import cluster_spread

    truth, plain, adjusted, worlds = 0.1, 0, 0, 600
    cluster = np.repeat(np.arange(40), 6)
    for _ in range(worlds):
        of_day = rng.beta(truth * 2, (1 - truth) * 2, 40)
        yes = rng.random(240) < of_day[cluster]
        spread = cluster_spread(yes, cluster)
        low, high = proportion_confint(yes.sum(), 240, method="beta")
        plain += low <= truth <= high
        found = korn_graubard(int(yes.sum()), 240, design_effect=spread.design_effect, clusters=40)
        adjusted += found.lower <= truth <= found.upper

    assert plain / worlds < 0.85
    assert adjusted / worlds >= 0.93


@pytest.mark.parametrize(("share", "text"), [(0.025, "2.5 %"), (0.0, "0.0 %"), (0.0004, "0.04 %"), (1.0, "100.0 %")])
def test_a_share_never_rounds_to_nothing(share, text):
    assert percent(share) == text
