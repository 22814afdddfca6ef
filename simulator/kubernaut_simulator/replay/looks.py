"""Which looks belong to which evaluation, and when they were: attempts as arrays, found by their evaluation's id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kubernaut_simulator.estimation.columns import Columns, look_up
from kubernaut_simulator.history.arrow_schema import ArrowTable


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTimes:
    """Poll number and times of looks.

    Attributes
    ----------
    slot : array of int64, shape (n,)
    began_us, read_us : array of int64
        Microseconds since 1970.
    """

    slot: NDArray[np.int64]
    began_us: NDArray[np.int64]
    read_us: NDArray[np.int64]

    @classmethod
    def of(cls, attempts: ArrowTable) -> Self:
        """Take them from attempts."""
        columns = Columns(attempts, name="attempt", needed=("slot", "read_started_at", "read_at"))
        return cls(
            slot=np.asarray(attempts.column("slot"), np.int64),
            began_us=columns.instant("read_started_at"),
            read_us=columns.instant("read_at"),
        )

    def take(self, places: NDArray[np.int64]) -> Self:
        """Give those of some looks."""
        return type(self)(slot=self.slot[places], began_us=self.began_us[places], read_us=self.read_us[places])


class Owners:
    """Looks by evaluation, in order of their poll number.

    Parameters
    ----------
    order : array of int64
        Places of attempts, evaluation by evaluation.
    bounds : array of int64, shape (n_evaluations + 1,)
        Those of evaluation i are ``order[bounds[i]:bounds[i + 1]]``.
    """

    def __init__(self, order: NDArray[np.int64], bounds: NDArray[np.int64]) -> None:
        self._order = order
        self._bounds = bounds

    @classmethod
    def of(cls, evaluations: ArrowTable, attempts: ArrowTable) -> Self:
        """Match attempts with evaluations by id; attempts of none are left out."""
        owner = _owners(attempts.column("evaluation_id"), _texts(evaluations, "record_id"))
        order = np.lexsort((np.asarray(attempts.column("slot"), np.int64), owner))
        return cls(order, np.searchsorted(owner[order], np.arange(len(evaluations) + 1)))

    def looks_of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the looks of some evaluations.

        Returns
        -------
        first : array of int64, shape (n + 1,)
            Looks of the i-th of `rows` are ``places[first[i]:first[i + 1]]``.
        places : array of int64
            Places of attempts.
        """
        counts = self._bounds[rows + 1] - self._bounds[rows]
        first = np.concatenate([[0], np.cumsum(counts)])
        return first, self._order[np.repeat(self._bounds[rows] - first[:-1], counts) + np.arange(first[-1])]


def _owners(ids: Any, evaluations: Any) -> NDArray[np.int64]:
    if not pa.types.is_dictionary(ids.type):
        return look_up(ids.combine_chunks(), evaluations)
    encoded = ids.unify_dictionaries().combine_chunks()
    found: NDArray[np.int64] = look_up(encoded.dictionary, evaluations)[np.asarray(encoded.indices)]
    return found


def _texts(table: ArrowTable, name: str) -> Any:
    return table.column(name).combine_chunks().cast(pa.string())
