"""The simulator: replays history through the engine and says which conditions may be required, with numbers.

The names below are the public ones. Each is loaded when it is first used: importing this package costs nothing, while
pandas, pyarrow and scipy cost most of a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubernaut_simulator.history.history import History
    from kubernaut_simulator.replay.conditions import load_conditions
    from kubernaut_simulator.replay.parts import replay_parts
    from kubernaut_simulator.replay.replay import Replay
    from kubernaut_simulator.results.report import report_page
    from kubernaut_simulator.results.timeouts import Population
    from kubernaut_simulator.tuning.result import Tuning
    from kubernaut_simulator.tuning.tune import TuningTerms

_MODULES = {
    "History": "history.history",
    "Population": "results.timeouts",
    "Replay": "replay.replay",
    "Tuning": "tuning.result",
    "TuningTerms": "tuning.tune",
    "load_conditions": "replay.conditions",
    "replay_parts": "replay.parts",
    "report_page": "results.report",
}

__all__ = [
    "History",
    "Population",
    "Replay",
    "Tuning",
    "TuningTerms",
    "load_conditions",
    "replay_parts",
    "report_page",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
