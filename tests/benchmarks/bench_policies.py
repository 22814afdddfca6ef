"""One policy, one input at a time: evaluations per second in this process and through the worker, as a section."""

from __future__ import annotations

import sys

from kubernaut_simulator.datasets import dataset_path
from programs import told

DATASET = "steady"
INPUTS, QUICK_INPUTS = 2_000, 100


def section(*, quick: bool = False) -> str:
    """Measure every policy of the shipped history and give the section."""
    policies = told("evaluating.py", str(dataset_path(DATASET)), str(QUICK_INPUTS if quick else INPUTS))
    slowest = min(policies, key=lambda row: row["through the worker"])
    lines = [
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
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(section(quick="--quick" in sys.argv))
