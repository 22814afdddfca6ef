"""Work for schedulers that other processes can import, some of which ends its process; and a history worth cutting."""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.writing import write_parquet

from kubernaut.errors import HistoryError
from kubernaut.facts.snapshot import Snapshot
from kubernaut.history.rows import PolicyRow, Row
from kubernaut.judging import judge
from kubernaut.policy.worker.client import WorkerEvaluator
from tests.helpers.driven_history import ready_policy, tunable_rows

RUNS, AGAIN = 96, 40
"""Runs, and how many of the last of them are second runs of the first incidents."""


def doubled(number: int) -> int:
    """Give twice the number; the first ones take longest, so that they are done last."""
    time.sleep(0.05 if number < 2 else 0.0)
    return 2 * number


def refused(number: int) -> int:
    """Refuse every odd number."""
    if number % 2:
        raise HistoryError(f"{number} is odd")
    return number


@dataclass(frozen=True)
class DiesOnce:
    """Ends its process over one number, the first time, while a policy worker of its own is at work."""

    marks: Path
    over: int

    def __call__(self, number: int) -> int:
        """Give the number."""
        if number == self.over:
            with WorkerEvaluator() as evaluator:
                judge(ready_policy(), Snapshot(facts={}), evaluator)
                mark = self.marks / "evaluator"
                if not mark.exists():
                    mark.write_text(str(evaluator.worker_pid))
                    os.kill(os.getpid(), signal.SIGKILL)
        return number


def dies(number: int) -> int:
    """End the process over 3, every time."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def straddling_rows() -> list[Row]:
    """Give three conditions' history in which incidents come again days later, in other runs."""
    rows = []
    for row in tunable_rows(RUNS):
        number = -1 if isinstance(row, PolicyRow) else int(row.incident_id.rpartition("-")[2])
        first = number - (RUNS - AGAIN)
        rows.append(replace(row, incident_id=f"incident-{first}") if first >= 0 else row)  # type: ignore[call-arg]
    return rows


def straddling_history() -> History:
    """Give `straddling_rows` as a history that is held."""
    return History.from_rows(straddling_rows())


def write_straddling(folder: Path, *, parts: int = 3) -> list[Path]:
    """Write `straddling_rows` in several folders, one after the other in time, policies in the last only."""
    whole = straddling_history()
    started = whole.evaluations["started_at"].to_pylist()
    edges = sorted(started)[:: -(-len(started) // parts)][1:]
    folders = []
    for number in range(parts):
        since = edges[number - 1] if number else None
        until = edges[number] if number < len(edges) else None
        part = whole.filter(since=since, until=until)
        tables = dict(part.tables)
        if number < parts - 1:
            tables = {kind: table for kind, table in tables.items() if kind.value != "policies"}
        write_parquet(tables, folder / f"part-{number}")
        folders.append(folder / f"part-{number}")
    return folders


def gone(pids: Iterable[int], *, within_s: float = 10.0) -> bool:
    """Whether all of some processes have ended, or end soon."""
    deadline = time.monotonic() + within_s
    waiting = list(pids)
    while waiting and time.monotonic() < deadline:
        waiting = [pid for pid in waiting if Path(f"/proc/{pid}/stat").exists()]
        time.sleep(0.05)
    return not waiting
