"""Judging a million evaluations again after one policy of the suite was edited: only that one is evaluated.

``python tests/benchmarks/bench_rejudge.py`` measures it and prints the section of docs/benchmarks.md. What users call is
measured, nothing else: `diff` (`kubernaut diff -f`) on stored looks that lie ready, and `History.replay(conditions)`.
Three policies are edited, one after the other: the one of the most looks, the one of the most distinct inputs, and one
whose looks are nearly all alike.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import machine
from copies import write_copies
from kubernaut_simulator.datasets import dataset_path
from kubernaut_simulator.history.history import History
from kubernaut_simulator.history.reading import read_history
from kubernaut_simulator.replay.recorded_set import recorded_sets
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.replay.workers import workers_or
from kubernaut_simulator.tuning.tune import compiled
from kubernaut_simulator.whatif.diff import diff
from kubernaut_simulator.whatif.timelines import LOOK_COLUMNS
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.conditions.condition_set import PolicyText
from kubernaut.conditions.spec import PolicySource
from kubernaut.history.rows import RowKind
from kubernaut.identity import ConditionId

GOAL_S, MOST_MIB = 10.0, 1024.0
EVALUATIONS = 1_000_000
DATASET = "steady"
EDITS = {
    "scale_deployment/action/post/no_crashloop_pods": (
        "pod.restarts_since_baseline <= input.settings.tolerated_restarts",
        "pod.restarts_since_baseline <= input.settings.tolerated_restarts + 1",
    ),
    "scale_deployment/step/pre/cluster_capacity_available": (
        "memory_free * usable_share >= memory_needed",
        "memory_free * usable_share >= memory_needed * 1.1",
    ),
    "scale_deployment/step/post/desired_replicas_running": ("default allow := false", "default allow = false"),
}


def candidate(conditions: Conditions, condition: ConditionId, edit: tuple[str, str]) -> Conditions:
    """Give the same conditions with one policy edited."""
    texts = {level: one.texts for level, one in conditions.items()}
    own = texts[condition.level]
    before = own.policies[condition]
    after = PolicyText(name=before.name, source=before.source.replace(*edit), origin=PolicySource.CONFIGMAP)
    if after.source == before.source:
        raise ValueError(f"the edit of {condition} changes nothing; the shipped policy was rewritten")
    texts[condition.level] = replace(own, exact={**own.exact, condition: after})
    return compiled(texts)


def measure(folder: str, edited: str) -> dict[str, Any]:
    """Measure one edit, in a process of its own."""
    history = History(*read_history(sorted(Path(folder).iterdir()), columns={RowKind.ATTEMPTS: LOOK_COLUMNS}))
    recorded = compiled(recorded_sets(history.evaluations, history.attempts, history.policies))
    condition = ConditionId.parse(edited)
    new = candidate(recorded, condition, EDITS[edited])
    base = WhatIf(history).prepared()
    ready_mib = peak_mib()
    with workers_or(None) as evaluator:
        started = time.perf_counter()
        found = diff(base, new, evaluator=evaluator)
        found.text()
        diff_s = time.perf_counter() - started
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    diff_mib = peak_mib()
    started, before_s = time.perf_counter(), own.ru_utime + own.ru_stime
    replayed = history.replay(new)
    replay_s = time.perf_counter() - started
    return {
        "evaluations": len(history.evaluations),
        "looks": len(base.settler(condition).timelines.answer),
        "changed": int(found.changed.sum()),
        "judged again": [str(one) for one in found.judged],
        "judged": replayed.evaluations.judged,
        "diff_s": diff_s,
        "diff_workers_cpu_s": workers.ru_utime + workers.ru_stime,
        "replay_s": replay_s,
        "replay_cpu_s": sum(cpu_s()) - before_s - workers.ru_utime - workers.ru_stime,
        "ready_mib": ready_mib,
        "peak_mib": diff_mib,
    }


def cpu_s() -> tuple[float, float]:
    """Give the CPU seconds of this process and of its ended children."""
    own, workers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime, workers.ru_utime + workers.ru_stime


def peak_mib() -> float:
    """Give the most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def section(*, quick: bool = False) -> str:
    """Measure and give this benchmark's section."""
    history = History.load(dataset_path(DATASET))
    copies = -(-EVALUATIONS // len(history.evaluations)) // (100 if quick else 1) or 1
    with tempfile.TemporaryDirectory(prefix="kubernaut-bench-") as folder:
        write_copies(history, Path(folder), copies=copies, per_part=3)
        busy = machine.load()
        runs = {edited: _told(folder, edited) for edited in EDITS}
    return _page(runs, busy=busy)


def _told(folder: str, edited: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, __file__, folder, edited],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _page(runs: dict[str, dict[str, Any]], *, busy: float) -> str:
    first = next(iter(runs.values()))
    slowest = max(run["diff_s"] for run in runs.values())
    lines = [
        "## One policy edited",
        "",
        f"The same {first['evaluations']:,} evaluations, one policy of the suite edited: the looks of that condition are",
        "judged again, equal inputs once; for everything else the recorded attempts are the answers. *Diff* compares with",
        "the record on looks that lie ready in memory, as in a notebook; *replay* starts from the tables.",
        f"Load average when it began: {busy:.1f}.",
        "",
        "| edited | its looks | inputs judged, replay | verdicts changed | diff, s | CPU of workers, s | replay, s "
        "| its CPU, s | peak memory, MiB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| `{name.rpartition('/')[2]}` | {run['looks']:,} | {run['judged']:,} | {run['changed']:,} "
            f"| {run['diff_s']:.1f} | {run['diff_workers_cpu_s']:.1f} | {run['replay_s']:.1f} "
            f"| {run['replay_cpu_s']:.1f} | {run['peak_mib']:.0f} |"
            for name, run in runs.items()
        ),
        "",
        f"Allowed for judging again on two cores: {GOAL_S:g} s and {MOST_MIB:g} MiB. "
        f"Time {'held' if slowest <= GOAL_S else f'not held by the slowest ({slowest:.1f} s)'}, memory "
        f"{'held' if max(run['peak_mib'] for run in runs.values()) <= MOST_MIB else 'not held'}.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the section, or measure one edit of a folder."""
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], sys.argv[2])))
    else:
        print(section(quick="--quick" in sys.argv))


if __name__ == "__main__":
    main()
