"""Replay of a large history, as a program of its own, so that its memory is its own."""

import json
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

from copies import each
from kubernaut_simulator.replay.parts import replay_parts

SAMPLE_EVERY_S = 0.2


def main(folder: str, parts: int, *, fold: bool) -> dict[str, Any]:
    """Replay the first `parts` parts; gives times, memory and counts."""
    folders = sorted(Path(folder).iterdir())[:parts]
    memory = _Memory()
    started = time.perf_counter()
    replayed = replay_parts(each(folders), fold=fold)
    replayed_s = time.perf_counter() - started
    cpu_s, own_cpu_s = _cpu_s()
    own_peak_mib, all_peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, memory.peak_mib
    table = replayed.false_stops().data
    done_s = time.perf_counter() - started
    memory.stop()
    return {
        "evaluations": replayed.evaluations.table.num_rows,
        "looks": replayed.evaluations.looks,
        "judged": replayed.evaluations.judged,
        "changed": int(replayed.data["changed"].sum()),
        "conditions": len(table),
        "replay_s": replayed_s,
        "with_false_stops_s": done_s,
        "cpu_s": cpu_s,
        "own_cpu_s": own_cpu_s,
        "own_peak_mib": own_peak_mib,
        "all_peak_mib": all_peak_mib,
        "with_false_stops_peak_mib": memory.peak_mib,
    }


def _cpu_s() -> tuple[float, float]:
    """Give the CPU seconds of this process with its workers, which have ended, and of this process alone."""
    own, workers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    own_s = own.ru_utime + own.ru_stime
    return own_s + workers.ru_utime + workers.ru_stime, own_s


class _Memory:
    """Watches what this process and its workers hold together (their proportional share of memory)."""

    def __init__(self) -> None:
        self.peak_mib = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_EVERY_S):
            self.peak_mib = max(self.peak_mib, sum(map(_share_mib, _family())))


def _family() -> list[int]:
    found, waiting = [], ["self"]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += (task / "children").read_text().split()
        except OSError:
            continue
    return found


def _share_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), fold=sys.argv[3] == "fold")))
