"""One Arrow schema per kind of rows, derived from the row types, never written by hand.

Texts that repeat (nearly all do: conditions, digests, namespaces, messages) are dictionary-encoded, so that a
million rows cost four bytes a text. JSON objects, maps and lists of objects are canonical JSON texts (sorted
keys), dictionary-encoded too: equal trees share one code, which is what replay folds on. Only ids are plain
texts: each is its own.

Files carry the kind and the schema version in their Arrow metadata.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeAlias

import pyarrow as pa

from kubernaut.errors import HistoryError
from kubernaut.history.codec import check_schema_version
from kubernaut.history.fields import Form, RowField, fields_of
from kubernaut.history.rows import SCHEMA_VERSION, RowKind

ArrowTable: TypeAlias = Any
"""`pyarrow.Table`; the library ships no types."""

KIND_KEY = b"kubernaut.kind"
VERSION_KEY = b"kubernaut.schema_version"

FOLDED = pa.dictionary(pa.int32(), pa.string())
"""A text that repeats."""

_PLAIN_TEXTS = frozenset({"record_id", "evaluation_id", "source"})
_LISTS_AS_TEXT = frozenset({"recorded_paths"})
"""One list per policy, repeated on every attempt: as a text it folds, as an Arrow list it would not."""

JSON_FORMS = frozenset({Form.JSON, Form.TEXT_MAP, Form.OBJECTS})

_TYPES: Mapping[Form, pa.DataType] = {
    Form.TEXT: FOLDED,
    Form.CHOICE: FOLDED,
    Form.INTEGER: pa.int32(),
    Form.NUMBER: pa.float64(),
    Form.FLAG: pa.bool_(),
    Form.INSTANT: pa.timestamp("us", tz="UTC"),
    Form.TEXTS: pa.list_(pa.string()),
    Form.TEXT_MAP: FOLDED,
    Form.JSON: FOLDED,
    Form.OBJECTS: FOLDED,
}


def is_json_text(item: RowField) -> bool:
    """Whether the column holds JSON texts."""
    return item.form in JSON_FORMS or item.name in _LISTS_AS_TEXT


def arrow_type(item: RowField) -> pa.DataType:
    """Give the Arrow type of a field's column."""
    if item.name in _PLAIN_TEXTS:
        return pa.string()
    return FOLDED if is_json_text(item) else _TYPES[item.form]


@cache
def schema_of(kind: RowKind) -> pa.Schema:
    """Give the Arrow schema of one kind of rows, with kind and schema version in its metadata."""
    columns = [pa.field(item.name, arrow_type(item), nullable=item.nullable) for item in fields_of(kind)]
    return pa.schema(columns, metadata={KIND_KEY: kind.value, VERSION_KEY: str(SCHEMA_VERSION)})


def empty_table(kind: RowKind) -> ArrowTable:
    """Give a table of no rows."""
    return schema_of(kind).empty_table()


def kind_in(metadata: Mapping[bytes, bytes] | None) -> RowKind | None:
    """Read the kind from a file's metadata; None when another program wrote it.

    Raises
    ------
    HistoryError
        The file is of a schema version that this program does not read, or of an unknown kind.
    """
    if not metadata or KIND_KEY not in metadata:
        return None
    version = metadata.get(VERSION_KEY, b"").decode(errors="replace")
    check_schema_version(int(version) if version.isdecimal() else version or None)
    name = metadata[KIND_KEY].decode(errors="replace")
    try:
        return RowKind(name)
    except ValueError:
        raise HistoryError(f"unknown kind of rows {name!r}; it is one of {', '.join(RowKind)}") from None
