"""Which files a history is: a file, a folder, several of both.

Known are JSON Lines (``.jsonl``, ``.jsonl.gz``: rows of any kind in any order) and Parquet (one kind a file:
named by the file's own metadata, else by its name or a folder's: ``evaluations.parquet``,
``evaluations-0001.parquet``, ``evaluations/day=2026-01-31/action=scale_deployment/part-0.parquet``). Columns
that a partitioned folder took out of its files and into its names are given back. Nothing is opened here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote

from kubernaut.errors import HistoryError
from kubernaut.history.rows import RowKind


class FileFormat(StrEnum):
    """How a file of history is written."""

    JSONL = "jsonl"
    JSONL_GZ = "jsonl.gz"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFile:
    """One file to read.

    Attributes
    ----------
    path : Path
    format : FileFormat
    kind : RowKind or None
        As its name says; None when the name says nothing (JSON Lines say it on every line).
    partition : mapping of str to str
        Column values from folder names ``column=value``.
    """

    path: Path
    format: FileFormat
    kind: RowKind | None = None
    partition: Mapping[str, str] = field(default_factory=dict)


def discover(paths: Path | str | Iterable[Path | str]) -> Sequence[HistoryFile]:
    """Find the files of a history, sorted by path, each once.

    Parameters
    ----------
    paths : path or several
        Files are taken whatever their folder holds; folders are searched through all levels, hidden names
        left out.

    Raises
    ------
    HistoryError
        A path does not exist, is no history by its name, or a folder holds none.
    """
    given = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not given:
        raise HistoryError("no history given; name files (.jsonl, .jsonl.gz, .parquet) or folders that hold them")
    found: dict[Path, HistoryFile] = {}
    for path in given:
        for item in _files_at(path):
            found[item.path.resolve()] = item
    return sorted(found.values(), key=lambda item: str(item.path))


def _files_at(path: Path) -> list[HistoryFile]:
    if path.is_dir():
        inside = [item for item in path.rglob("*") if not _hidden(item.relative_to(path)) and item.is_file()]
        files = [_as_history(item, within=path) for item in inside]
        known = [item for item in files if item is not None]
        if not known:
            raise HistoryError(f"{path}: no history here; expected files .jsonl, .jsonl.gz or .parquet")
        return known
    if not path.exists():
        raise HistoryError(f"{path}: no such file or folder")
    single = _as_history(path, within=path.parent)
    if single is None:
        raise HistoryError(
            f"{path}: not a history by its name; expected .jsonl, .jsonl.gz or .parquet "
            "(for a CSV file: kubernaut history convert --from csv --map FILE)"
        )
    return [single]


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _as_history(path: Path, *, within: Path) -> HistoryFile | None:
    for suffix, file_format in (
        (".jsonl", FileFormat.JSONL),
        (".jsonl.gz", FileFormat.JSONL_GZ),
        (".parquet", FileFormat.PARQUET),
    ):
        if path.name.endswith(suffix):
            stem = path.name.removesuffix(suffix)
            folders = path.relative_to(within).parent.parts
            # A file given by itself still lies in a partitioned folder.
            folders = folders or path.resolve().parent.parts
            return HistoryFile(
                path=path, format=file_format, kind=_kind_named(stem, folders), partition=_partition(folders)
            )
    return None


def _kind_named(stem: str, folders: Sequence[str]) -> RowKind | None:
    for kind in RowKind:
        if stem == kind.value or stem.startswith((f"{kind.value}-", f"{kind.value}.", f"{kind.value}_")):
            return kind
    for folder in reversed(folders):
        if folder in set(RowKind):
            return RowKind(folder)
        if "=" not in folder:
            break
    return None


def _partition(folders: Sequence[str]) -> Mapping[str, str]:
    values: dict[str, str] = {}
    for folder in reversed(folders):
        name, equals, value = folder.partition("=")
        if not equals:
            break
        values.setdefault(name, unquote(value))
    return values
