from pathlib import Path

import pytest
from kubernaut_simulator.calibration.cross_checks import CROSS_CHECKS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("check", CROSS_CHECKS, ids=lambda check: check.test)
def test_every_comparison_is_made_by_a_test_that_is_there(check):
    text = (ROOT / check.file).read_text()

    assert f"def {check.test}(" in text
    assert check.program in text


def test_both_programs_that_have_our_methods_are_asked():
    assert {"statsmodels", "lifelines"} <= {check.program for check in CROSS_CHECKS}
