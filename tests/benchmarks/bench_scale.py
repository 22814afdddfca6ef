"""`python tests/benchmarks/bench_scale.py`: what a replay in partitions holds, from a million evaluations to ten.

The shipped history many times over, in Parquet, replayed by two processes; every size is a program of its own. Memory
is measured of every process, workers and policy workers too. Two tables: evaluations judged again from their looks, and
ten times as many without looks, whose recorded verdict counts. The page `docs/scale.md` gets both. `--quick` takes a
hundredth and writes nothing, to see that all of it works.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
from copies import write_copies
from kubernaut_simulator.datasets import dataset_path
from kubernaut_simulator.history.history import History
from programs import told

from kubernaut.history.rows import RowKind

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "scale.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
DATASET = "steady"
PER_PART = 12
WITH_LOOKS = (100_000, 200_000)
WITHOUT_LOOKS = (1_000_000, 3_000_000, 10_000_000)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of it; writes nothing")
    quick: bool = parser.parse_args().quick
    scale = 100 if quick else 1
    history = History.load(dataset_path(DATASET))
    bare = History({kind: history.table(kind) for kind in RowKind if kind is not RowKind.ATTEMPTS})
    text = "\n".join(
        [
            BEGIN,
            "",
            "### Judged again, look by look",
            "",
            *table(measured(history, [size // scale for size in WITH_LOOKS])),
            "",
            "### By recorded verdict, without looks",
            "",
            *table(measured(bare, [size // scale for size in WITHOUT_LOOKS])),
            "",
            *(f"- {name}: {value}" for name, value in machine.described()),
            f"- load average at the end: {machine.load():.1f}; wall times say little when it is above the number of cores",
            "",
            END,
        ]
    )
    print(text)
    if not quick:
        page = PAGE.read_text()
        PAGE.write_text(page[: page.index(BEGIN)] + text + page[page.index(END) + len(END) :])


def measured(history: History, sizes: list[int]) -> list[dict[str, Any]]:
    """Replay the first so many evaluations of one large history, for each size."""
    own = len(history.evaluations)
    with tempfile.TemporaryDirectory(prefix="kubernaut-scale-") as folder:
        write_copies(history, Path(folder), copies=-(-max(sizes) // own), per_part=PER_PART)
        return [told("scaling.py", folder, str(max(1, round(size / own / PER_PART)))) for size in sizes]


def table(runs: list[dict[str, Any]]) -> list[str]:
    """Write runs as columns."""
    return [
        f"| evaluations | {' | '.join(format(run['evaluations'], ',') for run in runs)} |",
        f"|---|{'--:|' * len(runs)}",
        *(f"| {name} | {' | '.join(cell(run) for run in runs)} |" for name, cell in ROWS.items()),
    ]


ROWS: dict[str, Callable[[dict[str, Any]], str]] = {
    "looks judged": lambda run: f"{run['looks']:,}",
    "partitions": lambda run: f"{run['partitions']:,}",
    "largest worker, peak MiB": lambda run: f"{run['worker_peak_mib']:.0f}",
    "merging process, peak MiB": lambda run: f"{run['merging_peak_mib']:.0f}",
    "of that, votes, MiB": lambda run: f"{run['votes_mib']:.0f}",
    "merging process with false stops, peak MiB": lambda run: f"{run['own_peak_mib']:.0f}",
    "all processes together, peak MiB": lambda run: f"{run['all_peak_mib']:.0f}",
    "votes": lambda run: f"{run['votes']:,}",
    "wall time with false stops, s": lambda run: f"{run['with_false_stops_s']:.0f}",
    "of that, reading ids, s": lambda run: f"{run['cut_s']:.0f}",
    "CPU time of all processes, s": lambda run: f"{run['cpu_s']:.0f}",
}


if __name__ == "__main__":
    main()
