"""What-if over a million stored evaluations: how long an answer takes, and how much the columns save.

``python tests/benchmarks/bench_whatif.py [--quick]`` prints the section of docs/benchmarks.md; nothing is compared
across runs or machines. The history is a shipped one, laid side by side until it is long enough, each time under new ids.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from kubernaut_simulator.datasets import dataset_path
from kubernaut_simulator.history.history import History
from kubernaut_simulator.whatif.engine_settling import empty_columns, settle_rows
from kubernaut_simulator.whatif.timelines import timelines_of
from kubernaut_simulator.whatif.whatif import WhatIf

from kubernaut.history.rows import RowKind

DATASET = "steady"
EVALUATIONS = 1_000_000
GOAL_S = 2.0
ONE_BY_ONE = "settling as many by the engine one by one (scaled from one copy)"
_IDS = ("record_id", "evaluation_id", "incident_id", "execution_uid", "workflow_uid")
_TILE_DIGITS = 6


def tiled(history: History, *, evaluations: int) -> History:
    """Lay a history beside itself under new ids until it has so many evaluations."""
    times = -(-evaluations // len(history.evaluations))
    tables = {kind: history.table(kind) for kind in RowKind}
    long = {
        kind: table
        if kind is RowKind.POLICIES
        else pa.concat_tables([_renamed(table, tile) for tile in range(times)]).unify_dictionaries().combine_chunks()
        for kind, table in tables.items()
    }
    return History(long)


def _renamed(table: Any, tile: int) -> Any:
    def renamed(texts: Any) -> Any:
        return pc.binary_replace_slice(texts, 0, _TILE_DIGITS, f"{tile:0{_TILE_DIGITS}x}")

    for name in _IDS:
        if name not in table.column_names:
            continue
        column = table.column(name).combine_chunks()
        if pa.types.is_dictionary(column.type):
            new = pa.DictionaryArray.from_arrays(column.indices, renamed(column.dictionary))
        else:
            new = renamed(column)
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), new)
    return table


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(history: History, *, evaluations: int = EVALUATIONS) -> dict[str, float]:
    """Measure one run; keys say what, values are seconds."""
    long = tiled(history, evaluations=evaluations)
    share = len(history.evaluations) / len(long.evaluations)
    found: dict[str, float] = {"evaluations": float(len(long.evaluations)), "looks": float(len(long.attempts))}
    held: list[WhatIf] = []
    found["laying out stored looks, once"] = seconds(lambda: held.append(WhatIf(long).prepared()))
    what_if = held[0]
    changes = {
        "another flag": lambda: what_if.with_required("desired_replicas_running").with_percent(
            "desired_replicas_running", 100.0
        ),
        "another timeout": lambda: what_if.with_timeout("desired_replicas_running", 60.0),
        "another holdFor": lambda: what_if.with_hold_for("no_crashloop_pods", 30.0),
        "all of them": lambda: (
            what_if.with_timeout("desired_replicas_running", 90.0)
            .with_timeout("deployment_health_check", 90.0)
            .with_timeout("cpu_throttling_acceptable", 120.0)
            .with_hold_for("resource_usage_acceptable", 10.0)
            .with_hold_for("no_crashloop_pods", 10.0)
            .with_percent("no_crashloop_pods", 50.0)
        ),
    }
    for name, change in changes.items():
        found[name] = seconds(lambda change=change: change().result().text())  # type: ignore[misc]
    found[ONE_BY_ONE] = seconds(lambda: _one_by_one(history)) / share
    return found


def _one_by_one(history: History) -> None:
    for timelines in timelines_of(history.evaluations, history.attempts).values():
        ends, rows = timelines.ends, len(timelines)
        settle_rows(timelines, range(rows), empty_columns(rows), timeout_s=ends.timeout_s, hold_for_s=ends.hold_for_s)


def section(*, quick: bool = False) -> str:
    """Measure and give this benchmark's section."""
    found = measure(History.load(dataset_path(DATASET)), evaluations=EVALUATIONS // (100 if quick else 1))
    slow_s = found[ONE_BY_ONE]
    asked = {what: took_s for what, took_s in found.items() if what.startswith(("another", "all"))}
    lines = [
        "## What if",
        "",
        f"Other terms over {found['evaluations']:,.0f} stored evaluations with {found['looks']:,.0f} looks, decided without",
        "running a policy: by columns, and by the engine where two times are too close for them. Wall time; the ratio is",
        "to settling as many by the engine one after the other, scaled from one copy of the shipped history.",
        "",
        "| | s | times as fast as one by one |",
        "|---|--:|--:|",
        *(f"| {what} | {took_s:.2f} | {slow_s / took_s:.1f} |" for what, took_s in list(found.items())[2:]),
        "",
        f"Allowed for a question: {GOAL_S:g} s, {'held' if max(asked.values()) <= GOAL_S else 'not held'}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(section(quick="--quick" in sys.argv))
