"""A whole world: incidents played in order, their rows as history, and the truth apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from kubernaut.history.rows import Row
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.writing import write_parquet
from kubernaut_simulator.worlds.conditions import pinned, world_sets
from kubernaut_simulator.worlds.fleet import make_fleet
from kubernaut_simulator.worlds.judging import WorldJudge
from kubernaut_simulator.worlds.playing import Player, World
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.traffic import Incident
from kubernaut_simulator.worlds.traffic import incidents as arriving
from kubernaut_simulator.worlds.truth import TruthRow, write_truth

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday, so that the week's rhythm is the calendar's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedWorld:
    """What a world has come to.

    Attributes
    ----------
    scenario : Scenario
    seed : int
    start : datetime
    rows : sequence of Row
        Policies first, then incident by incident; every id once.
    truth : sequence of TruthRow
        One for each run.
    """

    scenario: Scenario
    seed: int
    start: datetime
    rows: Sequence[Row]
    truth: Sequence[TruthRow]

    def history(self) -> History:
        """Give the rows as history, the truth left out."""
        return History.from_rows(self.rows, source=f"generated world {self.scenario.name}")

    def write(self, folder: Path | str) -> list[Path]:
        """Write history as Parquet, and the truth beside it in a file of its own; gives their paths.

        Raises
        ------
        OutputError
            A file cannot be written.
        """
        written = write_parquet(self.history().tables, folder)
        return [*written, write_truth(self.truth, Path(folder))]


def generate(scenario: Scenario, *, incidents: int, seed: int, start: datetime = START) -> GeneratedWorld:
    """Make a world.

    Parameters
    ----------
    scenario : Scenario
    incidents : int
        How many; the first n of a larger world of the same seed are the same.
    seed : int
    start : datetime
        Moment of the world's beginning; a Monday, midnight UTC, keeps the week's rhythm right.

    Raises
    ------
    InputError
        The scenario's policies or settings cannot be used.
    EvaluatorError
        The policy worker cannot be started.
    """
    rows: list[Row] = []
    truth: list[TruthRow] = []
    for played, true in play(scenario, incidents=incidents, seed=seed, start=start):
        rows += played
        truth += true
    return GeneratedWorld(scenario=scenario, seed=seed, start=start, rows=rows, truth=truth)


def play(
    scenario: Scenario, *, incidents: int, seed: int, start: datetime = START, first: int = 0
) -> Iterator[tuple[list[Row], list[TruthRow]]]:
    """Play a world incident by incident, for worlds that are too large to hold; parameters as `generate`.

    Parameters
    ----------
    first : int
        Incidents that are left out at the beginning, when somebody else plays them.

    Yields
    ------
    list of Row, list of TruthRow
        First the policies without truth, then one incident at a time.
    """
    sets = pinned(world_sets(scenario))
    with WorkerEvaluator() as evaluator:
        player = Player(World(scenario=scenario, seed=seed, start=start, sets=sets, judge=WorldJudge(evaluator)))
        yield list(player.policy_rows()), []
        for incident in islice(_incidents(scenario, seed), first, first + incidents):
            yield player.play(incident)


def _incidents(scenario: Scenario, seed: int) -> Iterator[Incident]:
    return arriving(scenario, make_fleet(scenario, seed), seed)
