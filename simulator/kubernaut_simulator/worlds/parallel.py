"""A world played by several processes: each plays a stretch of incidents, and they come out in order.

Incidents do not depend on those before them but through the arrivals, which every process draws for itself; so what
comes out is what one process makes. A stretch costs its own start of a policy worker, so it must not be short.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kubernaut.history.rows import Row
from kubernaut_simulator.scheduling.processes import ProcessScheduler
from kubernaut_simulator.worlds.generate import START, play
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.truth import TruthRow

STRETCH = 250
"""Incidents played at a time: their rows travel between processes and are held until those before them have come."""

Played = tuple[list[Row], list[TruthRow]]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Plays incidents from one on."""

    scenario: Scenario
    seed: int
    start: datetime

    def __call__(self, part: tuple[int, int]) -> list[Played]:
        first, incidents = part
        return list(play(self.scenario, incidents=incidents, seed=self.seed, start=self.start, first=first))


def play_on(
    jobs: int, scenario: Scenario, *, incidents: int, seed: int, start: datetime = START, stretch: int = STRETCH
) -> Iterator[Played]:
    """Play a world as `play` does, with up to `jobs` processes.

    Parameters
    ----------
    stretch : int
        Incidents of one process at a time.

    Raises
    ------
    SchedulerError
        Processes die over the same incidents again.
    """
    parts = [(first, min(stretch, incidents - first)) for first in range(0, incidents, stretch)]
    if jobs == 1 or len(parts) == 1:
        yield from play(scenario, incidents=incidents, seed=seed, start=start)
        return
    scheduler = ProcessScheduler(min(jobs, len(parts)))
    for number, played in enumerate(scheduler.map(_Stretch(scenario, seed, start), parts)):
        # Every stretch begins with the policies.
        yield from played if number == 0 else played[1:]
