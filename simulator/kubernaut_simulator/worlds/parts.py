"""A world cut into parts of consecutive incidents, so that several processes can play it.

One incident knows of others only what traffic wrote on it, so where a part is played makes no difference to a row. What
is dear to make - compiled policies, the policy worker, what has been judged - a process makes for its first part and
keeps for the next ones of the same world.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from kubernaut.history.rows import Row
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut_simulator.worlds.conditions import pinned, world_sets
from kubernaut_simulator.worlds.fleet import Deployment, make_fleet
from kubernaut_simulator.worlds.judging import WorldJudge
from kubernaut_simulator.worlds.playing import Player, World
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.traffic import Incident, incidents
from kubernaut_simulator.worlds.truth import TruthRow

PART_INCIDENTS = 25
"""Long enough to be worth a message between processes, short enough to keep all of them busy to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSource:
    """What a world is made of.

    Attributes
    ----------
    start : datetime
        Moment of the world's beginning.
    """

    scenario: Scenario
    seed: int
    start: datetime

    def incidents(self, count: int) -> Iterator[Incident]:
        """Give the first `count` incidents."""
        return islice(incidents(self.scenario, make_fleet(self.scenario, self.seed), self.seed), count)

    def player(self, evaluator: WorkerEvaluator, *, remember: bool = True) -> Player:
        """Give who plays them.

        Parameters
        ----------
        remember : bool
            False judges every input anew, for comparison.

        Raises
        ------
        InputError
            The scenario's policies or settings cannot be used.
        """
        return Player(
            World(
                scenario=self.scenario,
                seed=self.seed,
                start=self.start,
                sets=pinned(world_sets(self.scenario)),
                judge=WorldJudge(evaluator, remember=remember),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPart:
    """Consecutive incidents of a world."""

    source: WorldSource
    incidents: tuple[Incident, ...]


def parts_of(source: WorldSource, count: int) -> Iterator[WorldPart]:
    """Cut the first `count` incidents of a world into parts, in order."""
    waiting = source.incidents(count)
    while chosen := tuple(islice(waiting, PART_INCIDENTS)):
        yield WorldPart(source=source, incidents=chosen)


def play_part(part: WorldPart) -> list[tuple[list[Row], list[TruthRow]]]:
    """Play a part in this process; gives the rows and the truth of each of its incidents.

    Raises
    ------
    EvaluatorError
        The policy worker cannot be started.
    """
    here = _Here.of(part.source)
    return [here.player.play(incident) for incident in here.own(part.incidents)]


class _Here:
    """The player, in this process, of the world that it was last asked for."""

    _last: "_Here | None" = None

    def __init__(self, source: WorldSource) -> None:
        self._source = source
        self._evaluator = WorkerEvaluator()
        self._fleet: Mapping[str, Deployment] = {
            deployment.uid: deployment for deployment in make_fleet(source.scenario, source.seed)
        }
        self.player = source.player(self._evaluator)

    @classmethod
    def of(cls, source: WorldSource) -> "_Here":
        """Give the player of a world; another world's is let go."""
        if cls._last is None or cls._last._source != source:  # noqa: SLF001 - the same class
            if cls._last is not None:
                cls._last._evaluator.close()  # noqa: SLF001 - the same class
            cls._last = cls(source)
        return cls._last

    def own(self, given: Iterable[Incident]) -> Iterator[Incident]:
        """Give incidents that came from another process with the Deployments, and their pools, of this one.

        A pool is told from another by being it, not by looking like it.
        """
        return (replace(incident, deployment=self._fleet[incident.deployment.uid]) for incident in given)
