import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.estimation.label_noise import LabelQuality, corrected_false_stops, rogan_gladen
from kubernaut_simulator.estimation.rates import rate

PERFECT = LabelQuality(sensitivity=1.0, specificity=1.0)
FOURFOLD = st.tuples(*[st.integers(0, 200)] * 4)


def correct(good_failed, bad_failed, good_other, bad_other, quality=PERFECT):
    return corrected_false_stops(
        good_failed=good_failed,
        failed=good_failed + bad_failed,
        good_not_failed=good_other,
        not_failed=good_other + bad_other,
        quality=quality,
    )


@given(FOURFOLD)
def test_perfect_labels_change_nothing(cells):
    found = correct(*cells)
    good_failed, _, good_other, _ = cells
    if good_failed + good_other == 0:
        assert found.estimate is None
        return

    assert found.estimate == pytest.approx(good_failed / (good_failed + good_other))
    assert found.estimate <= found.upper + 1e-9
    assert not found.clipped
    assert found.upper >= rate(good_failed, good_failed + good_other).estimate - 1e-9


@given(st.floats(0, 1), st.floats(0.6, 1.0), st.floats(0.6, 1.0))
def test_the_correction_undoes_the_error(true, sensitivity, specificity):
    apparent = true * sensitivity + (1 - true) * (1 - specificity)
    quality = LabelQuality(sensitivity=sensitivity, specificity=specificity)

    assert rogan_gladen(apparent, quality) == pytest.approx(true, abs=1e-9)


def test_noise_of_known_size_is_taken_out_of_a_large_history():
    rng = np.random.default_rng(3)
    n = 400_000
    good = rng.random(n) < 0.8
    failed = rng.random(n) < np.where(good, 0.05, 0.6)
    labelled = np.where(good, rng.random(n) < 0.95, rng.random(n) < 0.10)
    quality = LabelQuality(sensitivity=0.95, specificity=0.90)
    cells = [int((f & x).sum()) for f in (failed, ~failed) for x in (labelled, ~labelled)]
    found = correct(*cells, quality=quality)

    assert found.estimate == pytest.approx(0.05, abs=0.004)
    assert abs(cells[0] / (cells[0] + cells[2]) - 0.05) > 0.005
    assert found.good_given_failed == pytest.approx((failed & good).sum() / failed.sum(), abs=0.01)
    assert found.upper > 0.05


def test_labels_that_share_facts_with_the_condition_are_not_identifiable():
    found = correct(3, 5, 90, 2, quality=LabelQuality(sensitivity=0.9, specificity=0.9, shares_facts=True))

    assert (found.estimate, found.upper) == (None, None)
    assert found.text().startswith("not identifiable: label and condition share facts")


def test_labels_no_better_than_a_coin_are_not_identifiable():
    found = correct(3, 5, 90, 2, quality=LabelQuality(sensitivity=0.5, specificity=0.5))

    assert found.text().startswith("not identifiable: labels no better than a coin")


def test_an_error_larger_than_the_data_allow_is_clipped_and_said():
    found = correct(0, 30, 100, 0, quality=LabelQuality(sensitivity=0.9, specificity=0.8))

    assert found.clipped
    assert found.good_given_failed == 0.0
    assert found.text().startswith("none seen corrected (upper 95 %")


def test_no_votes_are_not_enough_data():
    assert correct(0, 0, 0, 0).text() == "not enough data"


def test_the_text_of_a_corrected_rate():
    assert correct(5, 5, 95, 5).text().startswith("5.0 % corrected (upper 95 % ")
