"""What a history holds for every what-if, laid out once: stored looks, runs in order, flags and percentages."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kubernaut.errors import InputError
from kubernaut.identity import ConditionId
from kubernaut_simulator.estimation.columns import Codes, Columns, Flags, Floats
from kubernaut_simulator.history.history import History
from kubernaut_simulator.whatif.runs import Runs, runs_of
from kubernaut_simulator.whatif.settling import Settler
from kubernaut_simulator.whatif.timelines import Timelines, timelines_of, word_codes


class Stored:
    """What a history holds for every what-if, laid out once.

    Parameters
    ----------
    history : History
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self._timelines = timelines_of(history.evaluations, history.attempts)
        self.settlers: Mapping[ConditionId, Settler] = {
            condition: Settler(timelines) for condition, timelines in self._timelines.items()
        }
        # By what was judged before: answers of some environments are laid over those of the others.
        self.judged: dict[tuple[int, str | None, str, tuple[tuple[str, float], ...] | None], Settler] = {}
        self.runs: Runs = runs_of(history)
        rows = Columns(history.evaluations, name="evaluations", needed=("required", "percent", "bucket"))
        self.required: Flags = rows.flag("required")
        self.percent: Floats = rows.number("percent", 0.0)
        self.bucket: Codes = rows.number("bucket", 0.0).astype(np.int64)
        self.may_stop: Flags = rows.flag("validation_enabled", default=True) & ~rows.flag("overridden")
        self.environment, self.environments = word_codes(rows, "environment")
        self.incident, self.incidents = word_codes(rows, "incident_id")

    @property
    def conditions(self) -> tuple[ConditionId, ...]:
        """Every condition that was recorded, in order of identity."""
        return tuple(self._timelines)

    def timelines(self, condition: ConditionId) -> Timelines:
        """Give the stored looks of one condition."""
        return self._timelines[condition]

    def named(self, condition: ConditionId | str) -> ConditionId:
        """Find a condition by identity, its text, or the end of it where that is one condition only.

        Raises
        ------
        InputError
            It was never recorded, or several end like it.
        """
        found = [one for one in self.conditions if condition in (one, str(one))] or [
            one for one in self.conditions if str(one).endswith(f"/{condition}")
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"{condition} names {len(found)} conditions; write one of {', '.join(map(str, found))}")
        raise InputError(
            f"{condition} was never recorded; recorded are {', '.join(map(str, self.conditions)) or 'none'}"
        )
