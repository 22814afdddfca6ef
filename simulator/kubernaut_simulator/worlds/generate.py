"""A whole world: incidents played in order, their rows as history, and the truth apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kubernaut.errors import InputError
from kubernaut.history.rows import Row
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.writing import write_parquet
from kubernaut_simulator.scheduling.processes import ProcessScheduler
from kubernaut_simulator.scheduling.scheduler import own_cores
from kubernaut_simulator.worlds.parts import WorldSource, parts_of, play_part
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.truth import TruthRow, write_truth

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday, so that the week's rhythm is the calendar's."""

WORTH_PROCESSES = 400
"""Incidents from which on the seconds that more processes take to start are made good."""


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


def generate(
    scenario: Scenario, *, incidents: int, seed: int, start: datetime = START, jobs: int | None = None
) -> GeneratedWorld:
    """Make a world.

    Parameters
    ----------
    scenario : Scenario
    incidents : int
        How many; the first n of a larger world of the same seed are the same.
    seed : int
    start : datetime
        Moment of the world's beginning; a Monday, midnight UTC, keeps the week's rhythm right.
    jobs : int or None
        Processes; they make no difference to what is made. None means one a core that this process may use, and this
        process alone for a small world.

    Raises
    ------
    InputError
        The scenario's policies or settings cannot be used, or `jobs` is below 1.
    EvaluatorError
        The policy worker cannot be started.
    SchedulerError
        Processes cannot be had, or die.
    """
    rows: list[Row] = []
    truth: list[TruthRow] = []
    for played, true in play(scenario, incidents=incidents, seed=seed, start=start, jobs=jobs):
        rows += played
        truth += true
    return GeneratedWorld(scenario=scenario, seed=seed, start=start, rows=rows, truth=truth)


def play(
    scenario: Scenario, *, incidents: int, seed: int, start: datetime = START, jobs: int | None = None
) -> Iterator[tuple[list[Row], list[TruthRow]]]:
    """Play a world incident by incident, for worlds that are too large to hold; parameters as `generate`.

    Yields
    ------
    list of Row, list of TruthRow
        First the policies without truth, then one incident at a time.
    """
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs: {jobs} is too few; at least 1")
    if jobs is None:
        jobs = own_cores() if incidents >= WORTH_PROCESSES else 1
    source = WorldSource(scenario=scenario, seed=seed, start=start)
    with WorkerEvaluator() as evaluator:
        player = source.player(evaluator)
        yield list(player.policy_rows()), []
        if jobs == 1:
            for incident in source.incidents(incidents):
                yield player.play(incident)
            return
    for played in ProcessScheduler(jobs).map(play_part, parts_of(source, incidents)):
        yield from played
