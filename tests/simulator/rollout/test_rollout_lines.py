from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.rollout.budget_course import budget_course
from kubernaut_simulator.rollout.lines import NEVER, above_line, budget_line, go_line

from kubernaut.enforcement.budget import BudgetState, count_incident
from kubernaut.enforcement.martingale import log_evidence_above, log_evidence_below, log_threshold

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def engine_budget(blocked, limit):
    """Incident and blocks at which the engine spends the budget; None when it does not."""
    state = BudgetState(hypothesis="h", limit=limit)
    for n, stop in enumerate(blocked, start=1):
        state = count_incident(state, incident_id=str(n), blocked=bool(stop), now=NOW)
        if state.is_spent:
            return n, state.blocks
    return None


@settings(max_examples=40, deadline=None)
@given(limit=st.floats(0.005, 0.6), true_rate=st.floats(0.0, 0.9), seed=st.integers(0, 99))
def test_the_budget_is_spent_where_the_engine_spends_it(limit, true_rate, seed):
    blocked = np.random.default_rng(seed).random(120) < true_rate
    line, counted = budget_line(120, limit=limit), np.cumsum(blocked)
    crossed = np.flatnonzero(blocked & (counted >= line[1:]))
    expected = None if not len(crossed) else (crossed[0] + 1, counted[crossed[0]])

    assert expected == engine_budget(blocked, limit)


@pytest.mark.parametrize("target", [0.05, 0.15, 0.2])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 9])
def test_the_lines_are_where_the_engines_evidence_crosses(target, alpha):
    go, above = (make(150, target=target, alpha=alpha, minimum=20) for make in (go_line, above_line))
    enough = log_threshold(alpha)
    for n in range(20, 151, 7):
        passing = [k for k in range(n + 1) if log_evidence_below(k, n, target) >= enough]
        failing = [k for k in range(n + 1) if log_evidence_above(k, n, target) >= enough]

        assert go[n] == max(passing, default=-1)
        assert above[n] == min(failing, default=NEVER)
    assert (go[:20] == -1).all()
    assert (above[:20] == NEVER).all()


def test_a_shared_line_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        budget_line(50, limit=0.1)[3] = 1


@pytest.mark.parametrize("limit", [0.02, 0.1, 0.3])
def test_a_condition_that_keeps_its_promise_is_rarely_set_back(limit):
    course = budget_course(limit, limit=limit)

    assert course.spent[-1] <= 0.01
    assert (np.diff(course.spent) >= 0).all()


def test_a_wrong_condition_is_set_back_before_it_has_stopped_more_than_stated():
    limit = 0.1
    course = budget_course(2 * limit, limit=limit)
    stated = course.blocks_at(0.95)
    rng = np.random.default_rng(7)
    ends = [engine_budget(rng.random(800) < 2 * limit, limit) for _ in range(150)]
    blocks = np.array([800 if end is None else end[1] for end in ends])

    assert stated is not None
    # Three standard errors of 150 rollouts.
    assert (blocks > stated).mean() <= 0.05 + 3 * (0.05 * 0.95 / 150) ** 0.5
    assert np.median([end[0] for end in ends if end]) == pytest.approx(course.incidents_at(0.5), rel=0.2)


def test_a_budget_that_nothing_spends_says_so():
    course = budget_course(0.01, limit=0.5, incidents=100)

    assert course.blocks_at(0.5) is None
    assert course.incidents_at(0.5) is None
