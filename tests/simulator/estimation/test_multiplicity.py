import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.multiplicity import holm, version_of, version_price
from statsmodels.stats.multitest import multipletests


# statsmodels takes a tenth of a second a call.
@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_that_of_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_of_nothing_is_nothing():
    assert len(holm([])) == 0


def test_all_versions_there_will_ever_be_share_one_error():
    spent = sum(1 / version_price(k) for k in range(1, 100_000))

    assert spent == pytest.approx(1.0, abs=1e-4)
    assert spent < 1
    assert version_price(1) == pytest.approx(np.pi**2 / 6)


def test_versions_count_from_one():
    with pytest.raises(ValueError, match="versions count from 1"):
        version_price(0)


@pytest.mark.parametrize(
    ("tested", "now", "version"),
    [([], "a", 1), (["a"], "a", 1), (["a"], "b", 2), (["a", "b", "a"], "c", 3), (["a", "b", "a"], "b", 2)],
)
def test_a_changed_policy_timeout_or_hold_is_the_next_version(tested, now, version):
    assert version_of(tested, now) == version
