import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special

from kubernaut.enforcement.martingale import (
    log_beta,
    log_evidence_above,
    log_evidence_below,
    log_incomplete_beta,
    log_threshold,
)

SHAPES = st.floats(min_value=0.05, max_value=5_000)
INSIDE = st.floats(min_value=1e-9, max_value=1 - 1e-9)


@given(x=INSIDE, a=SHAPES, b=SHAPES)
def test_the_incomplete_beta_function_agrees_with_scipy(x, a, b):
    theirs = special.betainc(a, b, x)
    ours = math.exp(log_incomplete_beta(x, a, b) - log_beta(a, b))

    assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-290)


def test_it_stays_finite_where_the_plain_value_underflows():
    assert special.betainc(40_000, 60_000, 0.1) == 0
    assert -math.inf < log_incomplete_beta(0.1, 40_000, 60_000) < -10_000


def test_its_ends():
    assert log_incomplete_beta(0, 2, 3) == -math.inf
    assert log_incomplete_beta(1, 2, 3) == log_beta(2, 3)


@pytest.mark.parametrize(("x", "a", "b"), [(-0.1, 1, 1), (1.1, 1, 1), (0.5, 0, 1), (0.5, 1, -1), (math.nan, 1, 1)])
def test_arguments_out_of_range_are_refused(x, a, b):
    with pytest.raises(ValueError, match="log_incomplete_beta"):
        log_incomplete_beta(x, a, b)


@pytest.mark.parametrize(
    ("k", "n", "p0", "a", "b"),
    [(0, 10, 0.15, 1, 1), (3, 40, 0.15, 1, 1), (9, 40, 0.15, 0.5, 0.5), (2, 7, 0.6, 2, 5), (7, 7, 0.9, 1, 1)],
)
def test_the_closed_form_is_the_integral_it_stands_for(k, n, p0, a, b):
    def ratio(q):
        return (q / p0) ** k * ((1 - q) / (1 - p0)) ** (n - k) * q ** (a - 1) * (1 - q) ** (b - 1)

    mixture = integrate.quad(ratio, 0, p0, limit=200)[0]
    weight = integrate.quad(lambda q: q ** (a - 1) * (1 - q) ** (b - 1), 0, p0, limit=200)[0]

    assert log_evidence_below(k, n, p0, a=a, b=b) == pytest.approx(math.log(mixture / weight), rel=1e-6)


@given(n=st.integers(0, 400), p0=st.floats(0.01, 0.99), p=st.floats(0, 1), k=st.integers(0, 400))
def test_one_step_never_gains_in_expectation_under_the_null_hypothesis(n, p0, p, k):
    k = min(k, n)
    p = p0 + p * (1 - p0)
    now = log_evidence_below(k, n, p0)
    event = math.exp(log_evidence_below(k + 1, n + 1, p0) - now)
    none = math.exp(log_evidence_below(k, n + 1, p0) - now)

    assert p * event + (1 - p) * none <= 1 + 1e-7


@given(n=st.integers(0, 400), k=st.integers(0, 400), p0=st.floats(0.01, 0.99))
def test_the_mirror_is_a_mirror(n, k, p0):
    k = min(k, n)

    assert log_evidence_above(k, n, p0) == pytest.approx(log_evidence_below(n - k, n, 1 - p0), abs=1e-9)


@given(n=st.integers(1, 400), k=st.integers(0, 399), p0=st.floats(0.01, 0.99))
def test_an_event_speaks_against_below_and_for_above(n, k, p0):
    k = min(k, n - 1)

    assert log_evidence_below(k + 1, n, p0) <= log_evidence_below(k, n, p0) + 1e-9
    assert log_evidence_above(k + 1, n, p0) >= log_evidence_above(k, n, p0) - 1e-9


def crossing_probability(evidence, p0, p, alpha, trials):
    """Exact probability that the evidence reaches the threshold within `trials`, by carrying all (k, n) forward."""
    threshold = log_threshold(alpha)
    alive = np.zeros(trials + 1)
    alive[0] = 1.0
    crossed = 0.0
    for n in range(1, trials + 1):
        moved = alive * (1 - p)
        moved[1:] += alive[:-1] * p
        for k in range(n + 1):
            if moved[k] and evidence(k, n, p0) >= threshold:
                crossed += moved[k]
                moved[k] = 0.0
        alive = moved
    return crossed


@pytest.mark.parametrize("p", [0.15, 0.2])
def test_a_rate_at_or_above_the_target_is_called_below_at_most_alpha_of_the_time(p):
    chance = crossing_probability(log_evidence_below, 0.15, p, 0.05, 200)

    assert 0 < chance <= 0.05


@pytest.mark.parametrize("p", [0.034, 0.02])
def test_a_rate_at_or_below_the_limit_is_called_above_at_most_alpha_of_the_time(p):
    chance = crossing_probability(log_evidence_above, 0.034, p, 0.05, 200)

    assert 0 < chance <= 0.05


def test_a_clear_difference_is_found():
    assert crossing_probability(log_evidence_below, 0.15, 0.03, 0.05, 150) > 0.8
    assert crossing_probability(log_evidence_above, 0.034, 0.25, 0.05, 100) > 0.95


def test_a_drifting_rate_above_the_target_is_no_evidence_either():
    rng = np.random.default_rng(20260101)
    runs, trials, threshold = 300, 150, log_threshold(0.05)
    rates = 0.15 + 0.3 * np.abs(np.sin(np.arange(trials) / 7))
    tripped = 0
    for _ in range(runs):
        events = np.cumsum(rng.random(trials) < rates)
        tripped += any(log_evidence_below(int(k), n, 0.15) >= threshold for n, k in enumerate(events, start=1))

    assert tripped / runs <= 0.05


def test_a_million_trials_are_no_trouble():
    assert log_evidence_below(50_000, 1_000_000, 0.15) == pytest.approx(50_728.12, abs=0.01)


def test_rates_of_zero_and_one():
    assert log_evidence_below(3, 5, 0.0) == 0
    assert log_evidence_below(0, 0, 0.3) == 0
    assert log_evidence_below(4, 5, 1.0) == math.inf
    assert log_evidence_below(5, 5, 1.0) == pytest.approx(math.log(1 / 6))
    assert log_evidence_above(1, 5, 0.0) == math.inf
    assert log_evidence_above(2, 5, 1.0) == 0


@pytest.mark.parametrize(("k", "n", "p0"), [(2, 1, 0.5), (-1, 1, 0.5), (0, 1, 1.5), (0, 1, -0.5)])
def test_impossible_counts_and_rates_are_refused(k, n, p0):
    with pytest.raises(ValueError, match=r"events in|rate of"):
        log_evidence_below(k, n, p0)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 2])
def test_alpha_is_a_probability(alpha):
    with pytest.raises(ValueError, match="alpha"):
        log_threshold(alpha)
