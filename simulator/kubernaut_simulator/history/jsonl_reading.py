"""Lines of JSON to rows, each with its line number; what is no row comes out as a message instead.

Gzip that ends too early gives what could be read and then says so. A writer that was killed leaves half a
line at the end: it is a bad line like any other. Which files there are and what becomes of bad lines is
decided by `reading`.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from kubernaut.errors import HistoryError
from kubernaut.history.codec import row_from_line
from kubernaut.history.rows import Row
from kubernaut_simulator.history.files import FileFormat, HistoryFile

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A row of history is kilobytes; a line beyond this is not one, and must not fill the memory."""


def lines_of(file: HistoryFile, *, at: Callable[[int], None]) -> Iterator[tuple[int | None, Row | HistoryError]]:
    """Give each line that is not blank as (line number, row or what is wrong with it).

    A last (None, error) says that the file is damaged from here on; what was given before stands.

    Parameters
    ----------
    file : HistoryFile
    at : callable
        Told now and then how many bytes of the file are behind us.

    Raises
    ------
    HistoryError
        The file cannot be opened or read.
    """
    try:
        with file.path.open("rb") as raw:
            if file.format is not FileFormat.JSONL_GZ:
                yield from _rows(raw, raw, at)
                return
            with gzip.GzipFile(fileobj=raw) as stream:
                yield from _rows(stream, raw, at)  # type: ignore[arg-type]  # GzipFile reads bytes by lines
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield None, HistoryError(f"truncated or damaged gzip: {error}")
    except OSError as error:
        raise HistoryError(f"cannot be read: {error.strerror or error}") from error


def _rows(stream: BinaryIO, raw: BinaryIO, at: Callable[[int], None]) -> Iterator[tuple[int, Row | HistoryError]]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES):
        number += 1
        if number % 5000 == 0:
            at(raw.tell())
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, HistoryError(f"the line is longer than {MAX_LINE_BYTES // 2**20} MiB")
        elif line.strip():
            yield number, _row(line)


def _row(line: bytes) -> Row | HistoryError:
    try:
        return row_from_line(line)
    except HistoryError as error:
        return error
