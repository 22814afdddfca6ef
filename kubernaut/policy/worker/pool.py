"""Several workers for one big batch: replay uses as many as there are cores."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from kubernaut.facts.snapshot import ReadPath
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.policy.batch import InputBatch, TextBatch, VerdictBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.dictionary import DictionaryBuilder
from kubernaut.policy.worker.client import WorkerEvaluator
from kubernaut.policy.worker.limits import Limits

MIN_SLICE = 256
"""Inputs below which another worker costs more than it gives."""


class WorkerPool:
    """Satisfies `Evaluator` by several workers; use as a context manager, or call `close`.

    Parameters
    ----------
    size : int
        Workers, each a process of its own; started when they are first needed.
    limits : Limits
        Of each worker. The answers do not depend on `size`, except which inputs come after too many failures.
    """

    def __init__(self, size: int, limits: Limits | None = None) -> None:
        self._evaluators = [WorkerEvaluator(limits) for _ in range(max(1, size))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers."""
        for evaluator in self._evaluators:
            evaluator.close()

    def evaluate(self, policy: CompiledPolicy, batch: InputBatch) -> VerdictBatch:
        """Judge every input of the batch; a policy that fails gives `Code.ERROR`, never an exception.

        Raises
        ------
        EvaluatorError
            A worker cannot be started.
        """
        count = len(batch)
        parts = min(len(self._evaluators), max(1, count // MIN_SLICE))
        if parts == 1:
            return self._evaluators[0].evaluate(policy, batch)
        edges = [count * part // parts for part in range(parts + 1)]
        slices = [
            batch.slice(edges[part], edges[part + 1])
            if isinstance(batch, TextBatch)
            else _Slice(batch, edges[part], edges[part + 1])
            for part in range(parts)
        ]
        with ThreadPoolExecutor(parts) as threads:
            done = list(
                threads.map(lambda pair: pair[0].evaluate(policy, pair[1]), zip(self._evaluators, slices, strict=False))
            )
        collected = DictionaryBuilder()
        for part in done:
            collected.extend(part[index] for index in range(len(part)))
        return collected.finish()


class _Slice:
    """Some rows of a batch."""

    def __init__(self, batch: InputBatch, start: int, end: int) -> None:
        self._batch, self._start, self._end = batch, start, end

    def __len__(self) -> int:
        return self._end - self._start

    def row(self, index: int) -> JsonObject:
        return self._batch.row(self._start + index)

    def column(self, path: ReadPath) -> Sequence[JsonValue]:
        return self._batch.column(path)[self._start : self._end]
