import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.calibration.claims import Claim, Verdict, claim_over, claim_over_cells, shared_confidence
from kubernaut_simulator.calibration.figures import Figure, exactly, mean_over_worlds, share_of_worlds
from scipy import stats


def claim(value, lower, upper, **kwargs):
    figure = Figure(value=value, lower=lower, upper=upper, worlds=1000, method="made up")
    return Claim(text="covers", figure=figure, **kwargs)


@pytest.mark.parametrize(
    ("lower", "upper", "verdict"),
    [
        (0.951, 0.96, Verdict.HELD),
        (0.946, 0.954, Verdict.HELD),
        (0.93, 0.97, Verdict.NOT_SHOWN),
        (0.94, 0.949, Verdict.NOT_HELD),
        (0.948, 0.9499, Verdict.NOT_HELD),
    ],
)
def test_a_claim_is_judged_by_its_interval_and_not_by_the_estimate(lower, upper, verdict):
    assert claim(0.95, lower, upper, at_least=0.95, tolerance=0.005).verdict is verdict
    mirrored = claim(0.05, 1 - upper, 1 - lower, at_most=0.05, tolerance=0.005)
    assert mirrored.verdict is verdict


def test_an_error_of_zero_must_be_possible_and_a_large_one_ruled_out():
    both = {"at_least": 0.0, "at_most": 0.0, "tolerance": 0.01}

    assert claim(0.001, -0.004, 0.006, **both).verdict is Verdict.HELD
    assert claim(0.001, -0.02, 0.02, **both).verdict is Verdict.NOT_SHOWN
    assert claim(0.006, 0.002, 0.009, **both).verdict is Verdict.NOT_HELD


def test_the_worst_cell_speaks_for_the_claim_with_the_error_shared():
    cells = pd.DataFrame({"rate": [0.05, 0.1, 0.2], "covered": [960, 930, 955], "worlds": 1000})
    found = claim_over_cells("covers", cells, k="covered", named={"rate": "rate {:.0%}"}, at_least=0.95)

    assert (found.where, found.cells, found.figure.value) == ("rate 10 %", 3, 0.93)
    alone = share_of_worlds(930, 1000)
    assert found.figure.lower < alone.lower < alone.upper < found.figure.upper
    assert shared_confidence(3) == pytest.approx(1 - 0.05 / 3)


def test_a_missed_cell_outweighs_a_lower_one_that_is_only_not_shown():
    noisy, missed = share_of_worlds(8, 10), share_of_worlds(93_000, 100_000)
    found = claim_over("covers", [("noisy", noisy), ("missed", missed)], at_least=0.95)

    assert (found.where, found.verdict) == ("missed", Verdict.NOT_HELD)


def test_a_claim_without_a_cell_is_a_fault():
    with pytest.raises(ValueError, match="no cell to judge"):
        claim_over("covers", [], at_least=0.95)


@given(st.integers(1, 400), st.data())
def test_a_share_of_worlds_has_the_exact_two_sided_interval(worlds, data):
    k = data.draw(st.integers(0, worlds))
    exact = stats.binomtest(k, worlds).proportion_ci(0.95, method="exact")
    found = share_of_worlds(k, worlds)

    assert (found.lower, found.upper) == pytest.approx((exact.low, exact.high))


def test_no_world_has_no_share():
    with pytest.raises(ValueError, match="0 of 0 worlds"):
        share_of_worlds(0, 0)


def test_a_mean_leaves_out_worlds_without_a_number():
    found = mean_over_worlds([0.1, 0.2, np.nan, 0.3])
    exact = stats.ttest_1samp([0.1, 0.2, 0.3], 0).confidence_interval(0.95)

    assert found.worlds == 3
    assert (found.lower, found.upper) == pytest.approx((exact.low, exact.high))
    with pytest.raises(ValueError, match="two worlds with a number, not 1"):
        mean_over_worlds([0.1, np.nan])


def test_a_line_says_verdict_figure_error_worlds_and_where():
    said = claim(0.9612, 0.951, 0.97, at_least=0.95, tolerance=0.005, where="rate 5%")
    price = Claim(text="price", figure=exactly(2.25, is_share=False), at_most=2.5)

    assert said.line() == "held: covers: 96.12 % (Monte-Carlo 95.10 to 97.00 %) at rate 5%, 1,000 worlds"
    assert said.threshold_text() == ">= 95.00 % (tolerance 0.50 points)"
    assert price.line() == "held: price: 2.25, exact"
    assert price.threshold_text() == "<= 2.5"
    assert claim(0.0, 0.0, 0.0, at_least=0.0, at_most=0.0, tolerance=0.01).threshold_text() == (
        "0.00 % (tolerance 1.00 points)"
    )
    assert exactly(float("nan")).text() == "-"
