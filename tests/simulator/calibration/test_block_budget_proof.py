"""The line of a block budget against the engine's own state, and what the proof says at a small size."""

from datetime import UTC, datetime

import numpy as np
import pytest
from kubernaut_simulator.calibration.block_budget import blocks_and_incidents

from kubernaut.enforcement.budget import BudgetState, count_incident

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def spent_by_engine(blocked, limit):
    state = BudgetState(hypothesis="h", limit=limit)
    for number, one in enumerate(blocked.tolist()):
        state = count_incident(state, incident_id=f"incident-{number}", blocked=one, now=NOW)
        if state.is_spent:
            return state.blocks, state.incidents
    return None


@pytest.mark.parametrize(("limit", "rate"), [(0.05, 0.05), (0.05, 0.15), (0.2, 0.3), (0.3, 0.9)])
def test_a_budget_is_spent_where_the_engine_spends_it(limit, rate):
    blocked = np.random.default_rng(3).random((12, 300)) < rate
    blocks, incidents, spent = blocks_and_incidents(blocked, limit=limit)

    found = [(int(k), int(n)) if over else None for k, n, over in zip(blocks, incidents, spent, strict=True)]
    assert found == [spent_by_engine(row, limit) for row in blocked]
