"""Replay in partitions of a history in files, as a program of its own, so that its memory is its own."""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from kubernaut_simulator.history.stored import StoredHistory
from kubernaut_simulator.replay.partitioned import work_for
from kubernaut_simulator.replay.replay import replay
from memory import Memory

SCHEDULER, JOBS = "processes", 2


def main(folder: str, parts: int) -> dict[str, Any]:
    """Replay the first `parts` folders; gives times, memory and counts."""
    memory = Memory()
    started = time.perf_counter()
    history = StoredHistory.open(sorted(Path(folder).iterdir())[:parts])
    work = work_for(SCHEDULER, jobs=JOBS)
    cut = len(history.partitions())
    cut_s = time.perf_counter() - started
    replayed = replay(history, work=work)
    replay_s = time.perf_counter() - started
    before_estimates_mib = memory.own_peak_mib
    conditions = len(replayed.false_stops().data)
    done_s = time.perf_counter() - started
    memory.stop()
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "evaluations": replayed.totals.evaluations,
        "looks": replayed.totals.looks,
        "votes": len(replayed.votes.data),
        "votes_mib": replayed.votes.data.memory_usage(deep=True).sum() / 2**20,
        "conditions": conditions,
        "partitions": cut,
        "cut_s": cut_s,
        "replay_s": replay_s,
        "with_false_stops_s": done_s,
        "cpu_s": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
        "merging_peak_mib": before_estimates_mib,
        "own_peak_mib": memory.own_peak_mib,
        "worker_peak_mib": memory.other_peak_mib,
        "all_peak_mib": memory.peak_mib,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
