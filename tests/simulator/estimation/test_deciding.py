"""Holm's rule in time: lines that fall with each decision, and nobody decided before the line had fallen."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernaut_simulator.estimation.deciding import decide_in_time
from kubernaut_simulator.estimation.multiplicity import holm

DAY0 = np.datetime64("2026-01-01", "us")


def instants(days):
    return DAY0 + np.array(days, "timedelta64[D]")


def test_one_that_reached_the_lower_line_early_is_decided_when_the_line_falls():
    line_of_two, line_of_one = math.log(2 / 0.05), math.log(1 / 0.05)
    between = (line_of_two + line_of_one) / 2
    first, second = decide_in_time(
        [instants([1, 2, 3]), instants([1, 2, 3, 4])],
        [np.array([0.0, 1.0, 9.0]), np.array([0.0, between, 0.5, 0.5])],
        [1.0, 1.0],
        0.05,
    )

    assert first.at == 2
    assert first.lines.tolist() == pytest.approx([line_of_two] * 3)
    # Not at day 2, on which it reached a line that was not yet there: by day 3 three of its incidents had entered.
    assert (second.at, second.when) == (2, first.when)
    assert second.lines.tolist() == pytest.approx([line_of_two] * 3 + [line_of_one])
    assert second.line == pytest.approx(line_of_one)


paths = st.lists(st.floats(0.0, 9.0), min_size=1, max_size=12)


@given(st.lists(paths, min_size=1, max_size=5), st.integers(0, 12))
def test_what_was_decided_and_written_does_not_change_when_more_enters(found, days):
    """Looked at on any day, the log is the beginning of what it is in the end."""
    paths = [np.array(one) for one in found]
    entered = [instants(range(len(one))) for one in paths]
    whole = decide_in_time(entered, paths, [1.0] * len(paths), 0.05)
    early = decide_in_time([one[:days] for one in entered], [one[:days] for one in paths], [1.0] * len(paths), 0.05)

    for then, now in zip(early, whole, strict=True):
        assert then.lines.tolist() == now.lines[:days].tolist()
        if then.at is not None or (now.at is not None and now.at < days):
            assert (then.at, then.when) == (now.at, now.when)


@given(st.lists(paths, min_size=1, max_size=5))
def test_those_decided_in_the_end_are_those_of_holm(found):
    paths = [np.array(one) for one in found]
    courses = decide_in_time([instants(range(len(one))) for one in paths], paths, [1.0] * len(paths), 0.05)
    adjusted = holm([min(1.0, math.exp(-max(0.0, one.max()))) for one in paths])

    for course, p in zip(courses, adjusted, strict=True):
        if abs(p - 0.05) > 1e-9:
            assert (course.at is not None) == (p < 0.05)
