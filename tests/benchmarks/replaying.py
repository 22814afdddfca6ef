"""Replay of a large history, as a program of its own, so that its memory is its own."""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from copies import each
from kubernaut_simulator.replay.parts import replay_parts
from memory import Memory


def main(folder: str, parts: int, *, fold: bool) -> dict[str, Any]:
    """Replay the first `parts` parts; gives times, memory and counts."""
    folders = sorted(Path(folder).iterdir())[:parts]
    memory = Memory()
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


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), fold=sys.argv[3] == "fold")))
