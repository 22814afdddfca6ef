"""Searching suites: every combination of 9 to 12 conditions with four timeouts each, against one suite after the other.

``python tests/benchmarks/bench_suites.py [--quick]`` prints the section of docs/benchmarks.md. Stops are drawn at random: the cost
depends on their number, not on what caused them.
"""

from __future__ import annotations

import sys
import time
from itertools import islice, product

import numpy as np
from kubernaut_simulator.datasets import load_steady
from kubernaut_simulator.suites.choices import Choice
from kubernaut_simulator.suites.fails import Fails
from kubernaut_simulator.suites.front import find_front
from kubernaut_simulator.suites.lattice import Lattice
from kubernaut_simulator.suites.search import search_suites
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.identity import ConditionId, Level, Phase

GOAL_S = 2.0
TIMEOUTS = 4
ASKED = (5, 4)
ALL_WAIT = (0, 9)
SIZES = ((*ASKED, 1_000), (7, 5, 1_000), (7, 5, 10_000), (*ALL_WAIT, 1_000))
"""Preconditions, postconditions, incidents. A precondition has no timeout to search over."""
ONE_BY_ONE = 2_000
"""Suites that are counted one after the other; the rest is scaled."""


def drawn(*, pre: int, post: int, incidents: int, seed: int = 1) -> Fails:
    """Draw stops: longer timeouts stop fewer incidents."""
    chance = np.random.default_rng(seed)
    choices: list[Choice] = []
    stop, wait = [], []
    for at in range(pre + post):
        phase = Phase.PRE if at < pre else Phase.POST
        condition = ConditionId("scale_deployment", Level.STEP, phase, f"condition_{at}")
        ready_s = chance.exponential(25.0, incidents)
        for number in range(TIMEOUTS if phase is Phase.POST else 1):
            timeout_s = 30.0 * (number + 1)
            choices.append(Choice(condition=condition, timeout_s=timeout_s if phase is Phase.POST else None))
            stop.append(ready_s > timeout_s if phase is Phase.POST else chance.random(incidents) < 0.01)
            wait.append(np.minimum(ready_s, timeout_s) if phase is Phase.POST else np.zeros(incidents))
    matrix = np.array(stop).T
    return Fails(choices=tuple(choices), stop=matrix, unknown=np.zeros_like(matrix), wait_s=np.array(wait).T)


def axes_of(fails: Fails) -> list[list[int]]:
    """Group the choices by condition."""
    axes: dict[ConditionId, list[int]] = {}
    for column, choice in enumerate(fails.choices):
        axes.setdefault(choice.condition, []).append(column)
    return list(axes.values())


def one_by_one_s(fails: Fails, axes: list[list[int]]) -> float:
    """Time counting each suite by its bitmask, scaled to all of them."""
    masks = fails.masks()
    start = time.perf_counter()
    counted = 0
    for states in islice(product(*([0, *(1 << column for column in axis)] for axis in axes)), ONE_BY_ONE):
        suite = sum(states)
        sum(1 for mask in masks if mask & suite)
        counted += 1
    return (time.perf_counter() - start) / counted * Lattice(axes=tuple(map(tuple, axes))).size


def section(*, quick: bool = False) -> str:
    """Measure and give this benchmark's section."""
    rows, took = [], {}
    for pre, post, incidents in SIZES[: 1 if quick else None]:
        fails = drawn(pre=pre, post=post, incidents=incidents)
        good = np.random.default_rng(2).random(incidents) < 0.7
        start = time.perf_counter()
        # A ceiling of 100 % leaves nothing out: the whole lattice is compared.
        front = find_front(fails, good=good, bad=~good, ceiling=1.0)
        took_s = time.perf_counter() - start
        slow_s = one_by_one_s(fails, axes_of(fails))
        took[pre, post] = took_s
        rows.append(
            f"| {pre + post}, {post} with {TIMEOUTS} timeouts | {incidents:,} | {front.compared:,} | {took_s:.2f} "
            f"| {slow_s / took_s:,.0f} |"
        )
    asked = WhatIf(load_steady()).prepared()
    start = time.perf_counter()
    found = search_suites(asked)
    lines = [
        "## Search over suites",
        "",
        "Every subset of conditions with every timeout, counted at once; the ratio is to counting one suite after the",
        f"other by its bitmask, scaled from {ONE_BY_ONE:,} of them.",
        "",
        "| conditions | incidents | suites | s | times as fast as one by one |",
        "|---|--:|--:|--:|--:|",
        *rows,
        "",
        f"The shipped history, settled, searched and judged by the gate: {found.front.compared:,} suites in "
        f"{time.perf_counter() - start:.2f} s.",
        f"Allowed for nine conditions: {GOAL_S:g} s.",
        *(
            f"- {what}: {'held' if took[size] <= GOAL_S else 'not held'}"
            for size, what in ((ASKED, "of which four wait and have timeouts"), (ALL_WAIT, "which all wait"))
            if size in took
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(section(quick="--quick" in sys.argv))
