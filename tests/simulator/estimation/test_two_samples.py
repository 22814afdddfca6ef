"""A prediction and what came since: the error of the test, its power, and the interval of the difference."""

import math

import numpy as np
import pytest
from kubernaut_simulator.estimation.two_samples import difference_of_shares, evidence_of_two_rates

ALPHA = 0.05


def shown(rng, *, before, later, n_before=141, n_later=200, alpha=ALPHA):
    """Whether the later rate is ever shown to be another one, looking after every trial."""
    k = rng.binomial(n_before, before)
    return bool((evidence_of_two_rates(k, n_before, rng.random(n_later) < later) >= math.log(1 / alpha)).any())


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.15, 0.5, 0.95])
def test_a_common_rate_is_called_two_at_most_so_often_however_often_one_looks(rate):
    rng = np.random.default_rng(1)
    wrong = sum(shown(rng, before=rate, later=rate) for _ in range(1_000))

    assert wrong / 1_000 <= ALPHA


@pytest.mark.parametrize(("before", "later", "power"), [(0.02, 0.25, 0.9), (0.05, 0.4, 0.9), (0.5, 0.15, 0.9)])
def test_rates_far_apart_are_told_apart(before, later, power):
    rng = np.random.default_rng(2)

    assert sum(shown(rng, before=before, later=later) for _ in range(200)) / 200 >= power


def test_a_small_prediction_proves_little_where_its_estimate_taken_for_the_truth_would():
    rng = np.random.default_rng(3)
    few = sum(shown(rng, before=0.1, later=0.1, n_before=10, n_later=500) for _ in range(500))

    assert few / 500 <= ALPHA


def test_the_evidence_does_not_depend_on_the_order_of_what_has_been():
    later = np.array([1, 0, 0, 1, 0, 0, 0], bool)

    assert evidence_of_two_rates(3, 20, later)[-1] == pytest.approx(evidence_of_two_rates(3, 20, later[::-1])[-1])


def test_the_interval_is_newcombes():
    # His table II, (a): 56/70 less 48/80.
    found = difference_of_shares(48, 80, 56, 70)

    assert (found.lower, found.upper) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
