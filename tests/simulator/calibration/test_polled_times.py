"""Polled times against the engine: the same runs, settled look by look."""

import numpy as np
import pytest
from kubernaut_simulator.calibration.polled_times import (
    Watching,
    lognormal,
    observed,
    poll_grid,
    true_share,
    watch,
    weibull,
)

from kubernaut.verdicts import Code, Judgement, Reason, Verdict
from kubernaut.verification.settle import Recorded, settle
from kubernaut.verification.timeline import Look, Terms

PASS = Judgement(code=Code.PASSED, reason=Reason.ALLOWED)
FAIL = Judgement(code=Code.FAILED, reason=Reason.NOT_ALLOWED, message="not yet")


def settled_by_engine(true_s, timeout_s, hold_for_s, until_s, polls):
    terms = Terms(timeout_s, hold_for_s)
    looks = [
        Look(slot, at, at, PASS if at >= true_s else FAIL)
        for slot, at in enumerate(polls.tolist())
        if at <= min(until_s, timeout_s)
    ]
    return settle(looks, terms, recorded=Recorded(terms=terms, observed_s=until_s))


@pytest.mark.parametrize("hold_for_s", [0.0, 20.0])
@pytest.mark.parametrize("timeout_s", [30.0, 90.0, 120.0])
def test_a_polled_run_is_what_the_engine_makes_of_it(timeout_s, hold_for_s):
    rng = np.random.default_rng(int(timeout_s + hold_for_s))
    n = 120
    true_s = rng.lognormal(np.log(25), 1.0, n)
    cut, cut_at, grid = rng.random(n) < 0.3, rng.random(n), rng.integers(256, size=n)
    until_s = np.where(cut, cut_at * timeout_s, timeout_s)
    looked = until_s >= poll_grid(timeout_s)[grid, 0]
    seen = observed(true_s, timeout_s=np.full(n, timeout_s), cut=cut, cut_at=cut_at, grid=grid, hold_for_s=hold_for_s)

    for at, run in enumerate(np.flatnonzero(looked)):
        found = settled_by_engine(true_s[run], timeout_s, hold_for_s, until_s[run], poll_grid(timeout_s)[grid[run]])
        assert seen.censored[at] == (found.verdict is not Verdict.PASSED)
        if found.verdict is Verdict.PASSED:
            assert (seen.time_s[at], seen.lower_s[at]) == (found.time_to_pass_s, found.time_to_pass_lower_s)
        else:
            assert seen.time_s[at] == until_s[run]


def test_runs_that_were_never_looked_at_are_left_out():
    seen = observed(
        np.array([5.0, 5.0]),
        timeout_s=np.array([30.0, 30.0]),
        cut=np.array([True, False]),
        cut_at=np.array([0.001, 1.0]),
        grid=np.array([0, 0]),
    )

    assert len(seen) == 1


def test_the_true_share_is_the_distribution_without_a_hold_and_less_with_one():
    law = lognormal(median_s=15, sigma=0.8, never=0.1)

    assert true_share(law, timeout_s=15.0, hold_for_s=0.0) == pytest.approx(0.45)
    # The hold begins at the first poll after the condition holds, so fewer are through than have it by then.
    assert 0.35 < true_share(law, timeout_s=35.0, hold_for_s=20.0) < 0.45
    assert true_share(law, timeout_s=15.0, hold_for_s=20.0) == 0.0


def test_timeouts_are_in_force_one_after_the_other():
    times = watch(
        weibull(scale_s=1e9, shape=1.0), Watching(name="two", timeouts_s=(30.0, 60.0)), np.random.default_rng(1), n=7
    )

    assert times.time_s.tolist() == [30.0] * 4 + [60.0] * 3
    assert times.censored.all()
