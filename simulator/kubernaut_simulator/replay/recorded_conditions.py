"""Which conditions a history holds evaluations of, beside those that it is judged again by.

A condition that was never recorded has nothing to be replayed on: that is another answer than too few incidents, and
a person who named a file has most likely misspelt it or meant another history.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubernaut.identity import ConditionId
from kubernaut_simulator.estimation.columns import Columns
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.tasks import Conditions, rows_by_condition

NOT_RECORDED = "the history holds no evaluation of this condition"


def recorded_conditions(history: History) -> frozenset[ConditionId]:
    """Give the conditions that the history holds an evaluation of."""
    columns = Columns(history.evaluations, name="evaluation", needed=("action", "level", "phase", "type"))
    return frozenset(condition for condition, _ in rows_by_condition(columns))


def coverage_warnings(recorded: frozenset[ConditionId], conditions: Conditions) -> Iterator[str]:
    """Say which named conditions were never recorded, and which recorded ones are not named; nothing without any."""
    if not conditions:
        return
    named = {condition for level in conditions.values() for condition in level.policies}
    for condition in sorted(named - recorded):
        yield f"{condition}: the history holds no evaluation of it"
    left_out = sorted(recorded - named)
    if left_out:
        yield f"recorded, but not named by -f: {', '.join(map(str, left_out))}"
