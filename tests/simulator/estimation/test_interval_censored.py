import json
from pathlib import Path

import numpy as np
import pytest
from kubernaut_simulator.estimation.interval_censored import turnbull

REFERENCE = json.loads((Path(__file__).parent / "reference" / "turnbull.json").read_text())


@pytest.mark.parametrize("name", ["buckets", "scrapes"])
def test_the_share_passed_is_that_of_lifelines(name):
    known = REFERENCE[name]
    upper = [np.inf if end is None else end for end in known["upper_s"]]

    found = turnbull(known["lower_s"], upper)

    times, survived = np.array(known["times_s"]), np.array(known["survival_lower"])
    finite = np.isfinite(found.upper_s)
    at = np.searchsorted(times, found.upper_s[finite] + 1e-5, side="right") - 1
    assert found.converged
    assert found.n == len(upper)
    assert found.passed[finite] == pytest.approx(1 - survived[at], abs=1e-4)


def test_exact_times_give_the_share_itself():
    found = turnbull([1, 2, 2, 4], [1, 2, 2, 4])

    assert found.upper_s.tolist() == [1, 2, 4]
    assert found.passed == pytest.approx([0.25, 0.75, 1.0])


def test_groups_count_as_often_as_they_weigh():
    weighed = turnbull([0, 10, 20], [10, 20, np.inf], [6, 2, 2])

    assert weighed.passed == pytest.approx([0.6, 0.8, 0.8])
    assert (weighed.n, weighed.censored) == (10, 2)
    assert weighed.quantile(0.7) == (10, 20)
    assert weighed.quantile(0.9) is None


def test_nothing_gives_no_curve_and_a_turned_interval_is_refused():
    assert turnbull([], []).quantile(0.5) is None
    with pytest.raises(ValueError, match="ends before"):
        turnbull([2], [1])
