"""`make bench`: how fast policies are judged and histories replayed; prints the page and writes docs/benchmarks.md.

Every measurement is a program of its own. Ratios are of one run on one machine: absolute numbers of two machines, or of
a busy one, are not to be compared. `--quick` takes a hundredth and writes nothing, to see that all of it works.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import machine
from copies import write_copies
from kubernaut_simulator.datasets import dataset_path
from kubernaut_simulator.history.history import History

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "benchmarks.md"
DATASET = "steady"
EVALUATIONS = 1_000_000
PER_PART = 3
UNFOLDED_SHARE = 20
"""Without folding only every so manieth part is replayed: it takes as many times longer."""

MOST_S, MOST_MIB = 60.0, 1024.0
"""What a replay of the million may take, on two cores."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of it; writes nothing")
    quick: bool = parser.parse_args().quick
    history = History.load(dataset_path(DATASET))
    copies = -(-EVALUATIONS // len(history.evaluations)) // (100 if quick else 1) or 1
    policies = told("evaluating.py", str(dataset_path(DATASET)), "100" if quick else "2000")
    with tempfile.TemporaryDirectory(prefix="kubernaut-bench-") as folder:
        parts = len(write_copies(history, Path(folder), copies=copies, per_part=PER_PART))
        busy = machine.load()
        folded = told("replaying.py", folder, str(parts), "fold")
        unfolded = told("replaying.py", folder, str(max(1, parts // UNFOLDED_SHARE)), "whole")
    page = page_of(policies, folded, unfolded, busy=busy)
    print(page)
    if not quick:
        PAGE.write_text(page)


def told(program: str, *arguments: str) -> Any:
    """Run a measurement and give what it printed."""
    done = subprocess.run(
        [sys.executable, str(HERE / program), *arguments], check=True, capture_output=True, text=True, cwd=HERE
    )
    return json.loads(done.stdout)


def page_of(policies: list[dict[str, Any]], folded: dict[str, Any], unfolded: dict[str, Any], *, busy: float) -> str:
    """Write the page."""
    slowest = min(policies, key=lambda row: row["through the worker"])
    rate, whole_rate = folded["looks"] / folded["replay_s"], unfolded["looks"] / unfolded["replay_s"]
    cpu = 1e6 * folded["cpu_s"] / folded["looks"], 1e6 * unfolded["cpu_s"] / unfolded["looks"]
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. Ratios within a run are what to compare: absolute numbers depend on the",
        "machine and on what else it does.",
        "",
        "## Machine",
        "",
        *(f"- {name}: {value}" for name, value in machine.described()),
        f"- processes that wanted a core when the replay began: {busy:.1f}",
        "",
        "## One policy, one input at a time",
        "",
        "Evaluations per second of wall time, on one core, on the inputs of the shipped history. The ratio is to the",
        f"slowest through the worker, `{slowest['policy']}`.",
        "",
        "| policy | in process | through the worker | ratio |",
        "|---|--:|--:|--:|",
        *(
            f"| `{row['policy']}` | {row['in process']:,.0f} | {row['through the worker']:,.0f} "
            f"| {row['through the worker'] / slowest['through the worker']:.1f} |"
            for row in sorted(policies, key=lambda row: -row["through the worker"])
        ),
        "",
        "## Replay of a million evaluations",
        "",
        f"The shipped history many times over: {folded['evaluations']:,} evaluations with {folded['looks']:,} looks, read",
        "from Parquet part by part, each look judged by its recorded policy, each evaluation settled by the engine. Copies",
        "differ in ids, times, pod names and free capacity; ratios, flags and small numbers repeat, as they do in life.",
        f"Without folding {unfolded['looks']:,} of the looks were replayed.",
        "",
        "| | folded | every look judged | ratio |",
        "|---|--:|--:|--:|",
        f"| looks | {folded['looks']:,} | {unfolded['looks']:,} | |",
        f"| inputs through the evaluator | {folded['judged']:,} | {unfolded['judged']:,} | |",
        f"| looks per second | {rate:,.0f} | {whole_rate:,.0f} | {rate / whole_rate:.1f} |",
        f"| CPU time per look, µs | {cpu[0]:.0f} | {cpu[1]:.0f} | {cpu[1] / cpu[0]:.1f} |",
        f"| wall time, s | {folded['replay_s']:.1f} | {unfolded['replay_s']:.1f} | |",
        f"| CPU time, all processes, s | {folded['cpu_s']:.0f} | {unfolded['cpu_s']:.0f} | |",
        f"| peak memory of the replaying process, MiB | {folded['own_peak_mib']:.0f} "
        f"| {unfolded['own_peak_mib']:.0f} | |",
        f"| peak memory of it and its workers together, MiB | {folded['all_peak_mib']:.0f} "
        f"| {unfolded['all_peak_mib']:.0f} | |",
        "",
        f"With false stops of all {folded['conditions']} conditions on top: {folded['with_false_stops_s']:.1f} s. "
        f"Verdicts that differ from the record: {folded['changed']:,}.",
        "",
        f"Allowed on two cores: {MOST_S:g} s and {MOST_MIB:g} MiB. {_held(folded)}",
        "",
    ]
    return "\n".join(lines)


def _held(folded: dict[str, Any]) -> str:
    in_time = folded["replay_s"] <= MOST_S
    small = folded["all_peak_mib"] <= MOST_MIB
    return f"Time: {'held' if in_time else 'NOT held'}. Memory: {'held' if small else 'NOT held'}."


if __name__ == "__main__":
    main()
