"""Files are written whole or not at all.

The text goes to a temporary file in the same folder, is flushed to the disk, and takes the old file's place
in one step. Whoever reads the file meanwhile sees the old or the new one; after a failure the old one is
still there and the temporary one is gone. Every output of the simulator passes here. What is written is not
known here.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kubernaut.errors import OutputError


@contextmanager
def replacing(path: Path | str) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when the block ends without an error.

    Parameters
    ----------
    path : Path or str
        Missing folders are made. A link is followed. A device (``/dev/null``) is written to directly.

    Yields
    ------
    BinaryIO

    Raises
    ------
    OutputError
        It cannot be written; nothing half-written is left.
    """
    target = Path(path)
    try:
        if target.is_dir():
            raise OutputError(f"cannot write {target}: it is a folder; name a file in it")
        if target.exists() and not target.is_file():
            with target.open("wb") as device:
                yield device
            return
        target = target.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
        try:
            # "x": never through somebody else's file of that name.
            with temporary.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        left = "; the file is as it was before" if _holds_a_file(target) else ""
        raise OutputError(f"cannot write {target}: {error.strerror or error}{left}") from error


def check_writable(path: Path | str, *, folder: bool = False) -> None:
    """Refuse, before hours of work, what could not be written after them.

    Nothing is made or changed: a missing folder counts as writable where the nearest one above it is. A disk that is
    full by then is still noticed only when the file is written.

    Parameters
    ----------
    path : Path or str
        The file that will be written.
    folder : bool
        Whether it is instead the folder into which files will be written.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    target = Path(path)
    try:
        if target.is_dir() and not folder:
            raise OutputError(f"cannot write {target}: it is a folder; name a file in it")
        if target.exists() and not target.is_file() and not target.is_dir():
            above = target
        else:
            wanted = target.resolve() if folder else target.resolve().parent
            above = next(one for one in (wanted, *wanted.parents) if one.exists())
            if not above.is_dir():
                raise OutputError(f"cannot write {target}: {above} is not a folder")
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    if not os.access(above, os.W_OK | os.X_OK if above.is_dir() else os.W_OK):
        raise OutputError(f"cannot write {target}: {above}: Permission denied")


def _holds_a_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # Who may not look into the folder cannot say, and so promises nothing.
        return False


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path | str, content: bytes) -> Path:
    """Write a whole file; gives its path. OutputError when it cannot be written."""
    with replacing(path) as stream:
        stream.write(content)
    return Path(path)


def write_text(path: Path | str, text: str) -> Path:
    """Write a whole file in UTF-8; gives its path. OutputError when it cannot be written."""
    return write_bytes(path, text.encode())
