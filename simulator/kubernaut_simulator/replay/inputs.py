"""What recorded looks saw, as texts and codes: equal looks are one number long before anything is parsed.

History keeps facts, unobserved paths and recorded paths as canonical JSON texts in dictionaries. The three of a look
make one code; texts are taken out only for the distinct ones, a chunk at a time. What a policy reads is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kubernaut_simulator.history.arrow_schema import ArrowTable

COLUMNS = ("facts", "unobserved", "recorded_paths")

InputTexts = tuple[str, str, str | None]
"""Facts and unobserved paths as JSON objects, recorded paths as a JSON list; None: everything was kept."""


class LookInputs:
    """Inputs of looks.

    Parameters
    ----------
    looks : Table, n rows
        With the columns `facts`, `unobserved` and `recorded_paths` of attempts.
    """

    def __init__(self, looks: ArrowTable) -> None:
        columns = [encoded(looks.column(name)) for name in COLUMNS]
        self._words = [column.dictionary for column in columns]
        self._sizes = [max(1, len(words)) for words in self._words]
        joint = np.zeros(len(looks), np.int64)
        for column, size in zip(columns, self._sizes, strict=True):
            joint = joint * size + np.asarray(column.indices, np.int64)
        self.codes: NDArray[np.int64] = joint
        """One number per look; equal numbers, equal texts."""

    def facts_of(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], Any]:
        """Give the distinct facts of some looks, as an Arrow array of texts, and for each look its place there."""
        _, unobserved, recorded = self._sizes
        distinct, which = np.unique(self.codes[places] // (unobserved * recorded), return_inverse=True)
        return which, self._words[0].take(pa.array(distinct))

    def texts(self, codes: NDArray[np.int64], *, chunk: int) -> Iterator[Sequence[InputTexts]]:
        """Give the texts of some codes, `chunk` of them at a time."""
        for start in range(0, len(codes), chunk):
            rest = codes[start : start + chunk]
            columns: list[list[Any]] = []
            for words, size in zip(reversed(self._words), reversed(self._sizes), strict=True):
                rest, own = np.divmod(rest, size)
                columns.append(words.take(pa.array(own)).to_pylist())
            yield list(zip(*reversed(columns), strict=True))


def encoded(column: Any) -> Any:
    """Give a text column as one dictionary array, null being a word of its own."""
    if pa.types.is_dictionary(column.type) and not column.null_count:
        return column.unify_dictionaries().combine_chunks()
    encoded = pc.dictionary_encode(column.cast(pa.string()), null_encoding="encode")
    return encoded.unify_dictionaries().combine_chunks()


def looks_at(looks: ArrowTable, places: NDArray[np.int64]) -> ArrowTable:
    """Take some looks, in this order, none twice; of facts only the words that they hold, as all would not fit twice.

    Parameters
    ----------
    looks : Table
        With the column `facts`.
    places : array of int64
    """
    wanted = np.zeros(len(looks), bool)
    wanted[places] = True
    own = looks.filter(pa.array(wanted))
    facts = own.schema.get_field_index("facts")
    own = own.set_column(facts, own.schema.field(facts), _own_words(own.column(facts)))
    return own.take(pa.array(np.searchsorted(np.flatnonzero(wanted), places)))


def _own_words(column: Any) -> Any:
    if not pa.types.is_dictionary(column.type) or column.null_count:
        return column
    chunks = []
    for chunk in column.chunks:
        used, codes = np.unique(np.asarray(chunk.indices), return_inverse=True)
        words = chunk.dictionary.take(pa.array(used))
        chunks.append(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), words))
    return pa.chunked_array(chunks, column.type)
