"""How many executions a second are generated: by one process, by one a core, and what remembering is worth.

``python tests/benchmarks/bench_generation.py [--quick]`` prints the section of docs/benchmarks.md.
The baseline, in the same run, remembers no judgement: every look that shows something new goes through the policy
worker. What a long world holds while it is streamed is measured apart (``--memory``).
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kubernaut_simulator.scheduling.scheduler import own_cores
from kubernaut_simulator.worlds.generate import START, play
from kubernaut_simulator.worlds.parts import PART_INCIDENTS, WorldSource
from kubernaut_simulator.worlds.scenario import load_scenario

from kubernaut.policy.worker.client import WorkerEvaluator

SCENARIO = "steady"
SEED = 1
GOAL_PER_S = 2000
"""Executions a second on two cores."""

INCIDENTS = 400
STREAMED = 20_000
"""Incidents over which memory is measured."""

SHORT_STREAM = 1_000
"""A world to compare with: what grows, grows between the two."""

QUICK = 50


def one_process(incidents: int, *, remember: bool) -> dict[str, float]:
    """Play a world here; times begin when policies are compiled and the worker is there."""
    source = WorldSource(scenario=load_scenario(SCENARIO), seed=SEED, start=START)
    with WorkerEvaluator() as evaluator:
        player = source.player(evaluator, remember=remember)
        waiting = source.incidents(incidents + 1)
        player.play(next(waiting))
        own_s, began_s = time.process_time(), time.perf_counter()
        executions = looks = 0
        for incident in waiting:
            rows, truth = player.play(incident)
            executions += len(truth)
            looks += len(rows)
        took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - own_s
    return {"executions": executions, "rows": looks, "wall_s": took_s, "cpu_s": cpu_s}


def all_cores(incidents: int) -> dict[str, float]:
    """Play a world with a process a core; times begin when each of them has played a part."""
    jobs = own_cores()
    at_first = jobs * PART_INCIDENTS
    began_s = time.perf_counter()
    executions = rows = 0
    world = play(load_scenario(SCENARIO), incidents=incidents + at_first, seed=SEED, jobs=jobs)
    for number, (played, truth) in enumerate(world):
        if number == at_first:
            began_s, executions, rows = time.perf_counter(), 0, 0
        executions += len(truth)
        rows += len(played)
    took_s = time.perf_counter() - began_s
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "executions": executions,
        "rows": rows,
        "wall_s": took_s,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "worker_peak_mib": children.ru_maxrss / 1024,
    }


RUNS: dict[str, Callable[[int], dict[str, float]]] = {
    "one process": lambda incidents: one_process(incidents, remember=True),
    "one process, nothing remembered": lambda incidents: one_process(incidents, remember=False),
    "a process a core": all_cores,
}


def measured(run: str, incidents: int) -> dict[str, Any]:
    """Measure in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", run, "--incidents", str(incidents)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parent,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def section(*, quick: bool = False) -> str:
    """Measure and give this benchmark's section, an eighth of it when quick; memory is measured by `streamed`."""
    incidents = QUICK if quick else INCIDENTS
    runs = {name: measured(name, incidents) for name in RUNS}
    base = runs["one process, nothing remembered"]
    cells: dict[str, Callable[[dict[str, Any]], str]] = {
        "executions": lambda run: f"{run['executions']:,}",
        "rows": lambda run: f"{run['rows']:,}",
        "wall time, s": lambda run: f"{run['wall_s']:.1f}",
        "executions per second": lambda run: f"{_rate(run):,.0f}",
        "executions per second of the process's CPU time": lambda run: (
            f"{run['executions'] / run['cpu_s']:,.0f}" if "cpu_s" in run else ""
        ),
        "as fast as with nothing remembered": lambda run: f"{_rate(run) / _rate(base):.1f} times",
    }
    best = max(_rate(run) for run in runs.values())
    lines = [
        "## Generated worlds",
        "",
        f"`{SCENARIO}`, {incidents:,} incidents, every run of them looked at some sixty times through objects, facts,",
        "policies and `decide`. Times begin when policies are compiled and processes have started.",
        "",
        f"| | {' | '.join(runs)} |",
        f"|---|{'--:|' * len(runs)}",
        *(f"| {name} | {' | '.join(cell(run) for run in runs.values())} |" for name, cell in cells.items()),
        "",
        f"Goal: {GOAL_PER_S:,} executions per second on two cores; {'held' if best >= GOAL_PER_S else 'not held'}.",
        "",
    ]
    return "\n".join(lines)


def streamed(*, quick: bool = False) -> str:
    """Measure memory, which takes minutes, and say what came out."""
    counts = (QUICK, 2 * QUICK) if quick else (SHORT_STREAM, STREAMED)
    short, long = (measured("a process a core", count) for count in counts)
    return (
        f"Memory while {counts[1]:,} incidents are generated and streamed: {long['peak_mib']:.0f} MiB in the process that "
        f"takes them, at most {long['worker_peak_mib']:.0f} MiB in one that plays; {counts[0]:,} incidents: "
        f"{short['peak_mib']:.0f} and {short['worker_peak_mib']:.0f} MiB."
    )


def _rate(run: dict[str, Any]) -> float:
    return float(run["executions"] / run["wall_s"])


def main() -> None:
    """Print the section, or one measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="an eighth of it")
    parser.add_argument("--memory", action="store_true", help="what a long world holds instead; takes minutes")
    parser.add_argument("--run", choices=RUNS, help="one measurement, as JSON")
    parser.add_argument("--incidents", type=int, default=INCIDENTS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(RUNS[given.run](given.incidents)))
    else:
        print(streamed(quick=given.quick) if given.memory else section(quick=given.quick))


if __name__ == "__main__":
    main()
