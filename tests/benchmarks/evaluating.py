"""Evaluations per second, per policy: in this process, and through the worker.

Run as a program of its own, so that regopy is loaded before numpy and pyarrow, as it is in the worker.
"""

import json
import sys
import time
from collections.abc import Mapping
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import regopy  # noqa: F401 - before anything that brings a C++ runtime
from kubernaut_simulator.history.history import History

from kubernaut.policy.batch import Evaluator, RowBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.policy.worker.client import WorkerEvaluator

ROUNDS = 3
"""The best of so many counts: what disturbs a measurement only ever makes it slower."""


def main(folder: str, inputs: int) -> list[dict[str, Any]]:
    """Measure every policy of a history on the inputs that it was judged on."""
    history = History.load(Path(folder))
    facts = inputs_of(history)
    rows = []
    with WorkerEvaluator() as worker:
        here = InProcessEvaluator()
        for policy_row in history.policies.to_pylist():
            policy = compile_policy(
                policy_row["source"], name=policy_row["type"], libraries=json.loads(policy_row["libraries"])
            )
            documents = [json.loads(text) for text in islice(cycle(facts[policy_row["digest"]]), inputs)]
            row = {"policy": policy_row["type"], "distinct": len(facts[policy_row["digest"]])}
            row["in process"] = per_second(here, policy, documents)
            row["through the worker"] = per_second(worker, policy, documents)
            if row["policy"] not in {one["policy"] for one in rows}:
                rows.append(row)
    return rows


def inputs_of(history: History) -> Mapping[str, list[str]]:
    """Give the distinct facts that each policy was judged on."""
    seen: dict[str, dict[str, None]] = {}
    looks = history.attempts.select(["policy_digest", "facts", "unobserved"]).to_pylist()
    for look in looks:
        if look["unobserved"] == "{}":
            seen.setdefault(look["policy_digest"], {})[look["facts"]] = None
    return {digest: list(texts) for digest, texts in seen.items()}


def per_second(evaluator: Evaluator, policy: CompiledPolicy, documents: list[Any]) -> float:
    """Measure evaluations per second of wall time."""
    evaluator.evaluate(policy, RowBatch(documents[:10]))
    best_s = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        evaluator.evaluate(policy, RowBatch(documents))
        best_s = min(best_s, time.perf_counter() - started)
    return len(documents) / best_s


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
