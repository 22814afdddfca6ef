"""Replay of a million evaluations, of a million looks, and without folding: time and memory, as a section.

``python tests/benchmarks/bench_replay.py [--quick]`` prints it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
from copies import write_copies
from kubernaut_simulator.datasets import dataset_path
from kubernaut_simulator.history.history import History
from programs import told

DATASET = "steady"
EVALUATIONS = 1_000_000
PER_PART = 3
UNFOLDED_SHARE = 20
"""Without folding only every so manieth part is replayed: it takes as many times longer."""

MOST_S, MOST_MIB = 60.0, 1024.0
"""What a replay of the million may take, on two cores."""


def section(*, quick: bool = False) -> str:
    """Measure, in a hundredth when quick, and give the section."""
    history = History.load(dataset_path(DATASET))
    copies = -(-EVALUATIONS // len(history.evaluations)) // (100 if quick else 1) or 1
    with tempfile.TemporaryDirectory(prefix="kubernaut-bench-") as folder:
        parts = len(write_copies(history, Path(folder), copies=copies, per_part=PER_PART))
        busy = machine.load()
        runs = {
            "a million evaluations": told("replaying.py", folder, str(parts), "fold"),
            "a million looks": told("replaying.py", folder, str(_parts_of_looks(history, parts)), "fold"),
            "not folded": told("replaying.py", folder, str(max(1, parts // UNFOLDED_SHARE)), "whole"),
        }
    return _page(runs, busy=busy)


def _parts_of_looks(history: History, parts: int) -> int:
    """Give how many parts hold a million looks."""
    return min(parts, -(-EVALUATIONS // (len(history.attempts) * PER_PART)))


def _page(runs: dict[str, dict[str, Any]], *, busy: float) -> str:
    whole, looks, unfolded = runs.values()
    lines = [
        "## Replay of a million",
        "",
        f"The shipped history many times over: {whole['evaluations']:,} evaluations (one condition of one run) with",
        f"{whole['looks']:,} looks, read from Parquet part by part, each look judged by its recorded policy, each evaluation",
        "settled by the engine. Copies differ in ids, times, pod names and free capacity; ratios, flags and small numbers",
        "repeat, as they do in life. A look that failed is asked for its message only where somebody is shown it. *A",
        "million evaluations* is all of it, *a million looks* its first parts; *not folded* sends every look of still fewer",
        "parts through the evaluator, also where its input was judged before.",
        "",
        f"| | {' | '.join(runs)} |",
        "|---|--:|--:|--:|",
        *(f"| {name} | {' | '.join(cell(run) for run in runs.values())} |" for name, cell in ROWS.items()),
        "",
        f"Folded, a second is worth {_rate(looks) / _rate(unfolded):.1f} times as many looks as not folded, and a look "
        f"costs {_cpu_us(unfolded) / _cpu_us(looks):.1f} times less CPU time.",
        f"Verdicts that differ from the record: {sum(run['changed'] for run in runs.values()):,}.",
        "",
        f"Load average when it began: {busy:.1f}. Allowed for a replay on two cores: {MOST_S:g} s and {MOST_MIB:g} MiB.",
        *(f"- {name}: {_held(run)}" for name, run in list(runs.items())[:2]),
        "",
    ]
    return "\n".join(lines)


ROWS: dict[str, Callable[[dict[str, Any]], str]] = {
    "evaluations": lambda run: f"{run['evaluations']:,}",
    "looks": lambda run: f"{run['looks']:,}",
    "inputs through the evaluator": lambda run: f"{run['judged']:,}",
    "wall time, s": lambda run: f"{run['replay_s']:.1f}",
    "CPU time with workers, s": lambda run: f"{run['cpu_s']:.1f}",
    "of that, the replaying process, s": lambda run: f"{run['own_cpu_s']:.1f}",
    "looks per second": lambda run: f"{_rate(run):,.0f}",
    "CPU time per look, µs": lambda run: f"{_cpu_us(run):.0f}",
    "peak memory, replaying process, MiB": lambda run: f"{run['own_peak_mib']:.0f}",
    "peak memory with workers, MiB": lambda run: f"{run['all_peak_mib']:.0f}",
    "wall time with false stops, s": lambda run: f"{run['with_false_stops_s']:.1f}",
    "peak memory with false stops, MiB": lambda run: f"{run['with_false_stops_peak_mib']:.0f}",
}


def _rate(run: dict[str, Any]) -> float:
    return float(run["looks"] / run["replay_s"])


def _cpu_us(run: dict[str, Any]) -> float:
    return float(1e6 * run["cpu_s"] / run["looks"])


def _held(run: dict[str, Any]) -> str:
    in_time, small = run["replay_s"] <= MOST_S, run["all_peak_mib"] <= MOST_MIB
    at_best_s = run["cpu_s"] / 2
    why = "" if in_time else f" (its CPU time alone, spread over two idle cores, is {at_best_s:.0f} s)"
    return f"time {'held' if in_time else 'not held'}{why}, memory {'held' if small else 'not held'}"


if __name__ == "__main__":
    print(section(quick="--quick" in sys.argv))
