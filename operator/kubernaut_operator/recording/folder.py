"""The recorder's files of one pod: how they are named, mended after a kill, counted and deleted.

``<pod>_<start>_<number>.jsonl.gz``: names sort by age within a pod. A file is a row of gzip members, one for each
append; a writer that was killed may leave half a member at the end. Nobody was told that its rows are written, so
cutting it off loses nothing, and every reader can go through the file to its end.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kubernaut_operator.recording.members import Members

_NAME = re.compile(r"(?P<pod>[a-z0-9.-]+)_(?P<start>\d{8}T\d{6}Z)_(?P<number>\d{5,})\.jsonl\.gz")
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file as the folder shows it.

    Attributes
    ----------
    size, taken : int
        Bytes in it, and bytes of the volume that it takes up, which is rounded up.
    """

    path: Path
    size: int
    taken: int
    modified_s: float


def file_name(pod: str, start: str, number: int) -> str:
    """Name a file; `start` is ``YYYYMMDDTHHMMSSZ``."""
    return f"{_word(pod)}_{start}_{number:05d}.jsonl.gz"


def is_file_name(name: str) -> bool:
    """Say whether a file of ours may be called so."""
    return _NAME.fullmatch(name) is not None


def _word(pod: str) -> str:
    """Give a pod's name as it is, and a machine's in the same letters."""
    return re.sub(r"[^a-z0-9.-]", "-", pod.lower())


def files_of(folder: Path, pod: str) -> Sequence[File]:
    """List a pod's files, oldest first; a file that vanishes meanwhile is left out."""
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match is None or match["pod"] != _word(pod):
            continue
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found.append(
            File(path=path, size=stat.st_size, taken=max(stat.st_size, stat.st_blocks * 512), modified_s=stat.st_mtime)
        )
    return sorted(found, key=lambda file: file.path.name)


def to_delete(files: Sequence[File], *, total_bytes: int, keep_s: float, now_s: float) -> Sequence[File]:
    """Say which files go: those too old, then the oldest until the rest fits.

    Parameters
    ----------
    files : sequence of File
        Closed ones, oldest first.
    now_s : float
        On the clock of `File.modified_s`.
    """
    left = sum(file.taken for file in files)
    gone = []
    for file in files:
        if left > total_bytes or now_s - file.modified_s > keep_s:
            gone.append(file)
            left -= file.taken
    return gone


def whole_bytes(path: Path) -> int:
    """Give how many bytes of a file are whole members.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        whole = 0
        for end in _ends_of_members(file):
            whole = end
        return whole


def mend(path: Path) -> int:
    """Cut off a half-written member at a file's end; gives the bytes cut, 0 for a whole file.

    Raises
    ------
    OSError
        The file cannot be read or cut.
    """
    whole = whole_bytes(path)
    size = path.stat().st_size
    if whole < size:
        os.truncate(path, whole)
    return size - whole


def _ends_of_members(file: BinaryIO) -> Iterator[int]:
    """Give where each whole member ends; stops at the first that is torn or damaged."""
    members = Members()
    while (piece := file.read(_CHUNK)) and not members.damaged:
        yield from members.feed(piece)
