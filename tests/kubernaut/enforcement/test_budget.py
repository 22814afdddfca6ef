from datetime import UTC, datetime

import numpy as np
import pytest

from kubernaut.enforcement.budget import REMEMBERED_INCIDENTS, BudgetState, count_incident, current_budget

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def fresh(limit=0.034):
    return current_budget(None, policy_digest="p", settings_digest="s", limit=limit)


def counted(state, blocks, *, first=0, alpha=0.01):
    for number, blocked in enumerate(blocks, start=first):
        state = count_incident(state, incident_id=f"i{number}", blocked=blocked, now=NOW, alpha=alpha)
    return state


def test_without_a_promise_there_is_no_budget():
    assert (
        current_budget(BudgetState(hypothesis="x", limit=0.1), policy_digest="p", settings_digest="s", limit=None)
        is None
    )


def test_a_condition_that_blocks_far_more_than_promised_is_set_back():
    state = counted(fresh(), [True, False] * 20)

    assert state.is_spent
    assert state.spent_at == NOW
    assert state.incidents < 20
    assert "set back to warn" in state.message


def test_one_that_keeps_its_promise_is_not():
    state = counted(fresh(), [number % 50 == 0 for number in range(300)])

    assert not state.is_spent
    assert state.message == "stopped 6 of 300 enforced incidents; history promised at most 3.4%: within the budget"
    assert state.log_evidence < 0


def test_a_retry_of_an_incident_does_not_count_again():
    state = count_incident(fresh(), incident_id="i", blocked=True, now=NOW)

    assert count_incident(state, incident_id="i", blocked=True, now=NOW) == state
    assert (state.incidents, state.blocks) == (1, 1)


def test_spent_stays_spent_until_the_hypothesis_changes():
    spent = counted(fresh(), [True] * 30)

    assert count_incident(spent, incident_id="later", blocked=False, now=NOW) == spent
    assert current_budget(spent, policy_digest="p", settings_digest="s", limit=0.034) == spent
    for other in (
        {"policy_digest": "q", "settings_digest": "s", "limit": 0.034},
        {"policy_digest": "p", "settings_digest": "t", "limit": 0.034},
        {"policy_digest": "p", "settings_digest": "s", "limit": 0.05},
    ):
        anew = current_budget(spent, **other)
        assert not anew.is_spent
        assert anew.incidents == 0


def test_memory_is_bounded():
    state = counted(fresh(), [False] * (REMEMBERED_INCIDENTS + 50))

    assert len(state.recent) == REMEMBERED_INCIDENTS
    assert state.incidents == REMEMBERED_INCIDENTS + 50


def test_a_promise_of_never_is_broken_by_the_first_block():
    assert counted(fresh(limit=0.0), [True]).is_spent


@pytest.mark.parametrize("rate", [0.034, 0.01])
def test_a_kept_promise_is_set_back_at_most_alpha_of_the_time(rate):
    rng = np.random.default_rng(7)
    runs, alpha = 250, 0.1
    spent = sum(counted(fresh(), rng.random(150) < rate, alpha=alpha).is_spent for _ in range(runs))

    # Three standard errors above alpha: a true 10 % passes 99.9 % of seeds.
    assert spent / runs <= alpha + 3 * (alpha * (1 - alpha) / runs) ** 0.5
