"""Judging recorded looks by one policy, each distinct input once.

History repeats itself: the same Deployment with five ready pods is looked at thousands of times. Inputs that are equal
on the paths that the policy reads get one evaluation. What is kept is a digest and an answer per distinct input, so
memory follows the number of distinct inputs and not their size, and columns are handed over chunk by chunk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason, parse_path
from kubernaut.judging import judge
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.projecting import projection
from kubernaut.verdicts import Judgement
from kubernaut_simulator.history.arrow_schema import ArrowTable

CHUNK_ROWS = 65_536
"""Looks whose inputs are held as Python objects at once."""

_COLUMNS = ("facts", "unobserved", "recorded_paths")


class FoldingJudge:
    """Judges columns of looks by one policy and remembers what it has judged.

    Parameters
    ----------
    evaluator : Evaluator
    policy : CompiledPolicy
    settings : mapping of str to float, or None
        What the policy reads as `input.settings`; None means as recorded.
    fold : bool
        False judges every look, for comparison.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        policy: CompiledPolicy,
        *,
        settings: Mapping[str, float] | None = None,
        fold: bool = True,
    ) -> None:
        self._evaluator = evaluator
        self._policy = policy
        self._settings = settings
        self._project = projection(policy.reads)
        self._fold = fold
        self._answer_of_input: dict[bytes, int] = {}
        self._code_of_judgement: dict[Judgement, int] = {}
        self.judged = 0

    @property
    def dictionary(self) -> list[Judgement]:
        """The distinct answers so far, by code."""
        return list(self._code_of_judgement)

    @property
    def distinct(self) -> int:
        """Distinct inputs so far."""
        return len(self._answer_of_input)

    def answers(self, looks: ArrowTable) -> NDArray[np.int32]:
        """Judge looks.

        Parameters
        ----------
        looks : Table, n rows
            With the columns `facts`, `unobserved` and `recorded_paths` of attempts.

        Returns
        -------
        array of int32, shape (n,)
            Codes into `dictionary`.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        parts = [self._chunk(chunk) for chunk in looks.select(_COLUMNS).to_batches(max_chunksize=CHUNK_ROWS)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int32)

    def _chunk(self, chunk: Any) -> NDArray[np.int32]:
        inputs, input_of_row = _distinct_rows([chunk.column(name) for name in _COLUMNS], fold=self._fold)
        snapshots = [self._snapshot(*texts) for texts in inputs]
        if not self._fold:
            return self._judge(snapshots)[input_of_row]
        keys = [_key(snapshot) for snapshot in snapshots]
        fresh = {key: at for at, key in enumerate(keys) if key not in self._answer_of_input}
        if fresh:
            codes = self._judge([snapshots[at] for at in fresh.values()])
            self._answer_of_input.update(zip(fresh, codes.tolist(), strict=True))
        of_input = np.fromiter((self._answer_of_input[key] for key in keys), np.int32, len(keys))
        return of_input[input_of_row]

    def _judge(self, snapshots: Sequence[Snapshot]) -> NDArray[np.int32]:
        batch = judge(self._evaluator, self._policy, snapshots)
        self.judged += len(snapshots)
        codes = [self._code(judgement) for judgement in batch.dictionary]
        return np.asarray(codes, np.int32)[np.asarray(batch.answers, np.int64)]

    def _code(self, judgement: Judgement) -> int:
        return self._code_of_judgement.setdefault(judgement, len(self._code_of_judgement))

    def _snapshot(self, facts: str, unobserved: str, recorded_paths: str | None) -> Snapshot:
        tree = json.loads(facts)
        recorded = None if recorded_paths is None else {parse_path(path) for path in json.loads(recorded_paths)}
        if self._settings is not None:
            tree["settings"] = dict(self._settings)
            if recorded is not None:
                recorded.add(("settings",))
        return Snapshot(
            facts=self._project(tree),
            unobserved={} if unobserved == "{}" else _unobserved(json.loads(unobserved)),
            recorded=None if recorded is None else tuple(sorted(recorded)),
        )


def _unobserved(texts: Mapping[str, str]) -> dict[str, Unobserved]:
    """Read back what `kubernaut.verification.rows` wrote: path to ``Reason: detail``."""
    found = {}
    for path, text in texts.items():
        reason, _, detail = text.partition(": ")
        known = reason in UnobservedReason
        found[path] = Unobserved(
            UnobservedReason(reason) if known else UnobservedReason.NOT_PROVIDED, detail if known else text
        )
    return found


def _key(snapshot: Snapshot) -> bytes:
    text = json.dumps(
        [
            snapshot.facts,
            {path: [why.reason, why.detail] for path, why in snapshot.unobserved.items()},
            snapshot.recorded,
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _distinct_rows(columns: Sequence[Any], *, fold: bool) -> tuple[list[tuple[Any, ...]], NDArray[np.int64]]:
    """Give the distinct combinations of text columns, and for each row which one it is."""
    rows = len(columns[0])
    encoded = [pc.dictionary_encode(column, null_encoding="encode") for column in columns]
    if not fold:
        return list(zip(*(column.to_pylist() for column in columns), strict=True)), np.arange(rows)
    joint = np.zeros(rows, np.int64)
    for column in encoded:
        joint = joint * max(1, len(column.dictionary)) + np.asarray(column.indices, np.int64)
    _, first, of_row = np.unique(joint, return_index=True, return_inverse=True)
    at = pa.array(first)
    return list(zip(*(column.take(at).to_pylist() for column in columns), strict=True)), of_row
