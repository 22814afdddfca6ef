"""The folder of a person's machine into which history is fetched: only whole records, and a note of how far it went.

A file of history is only ever added to, in gzip members that are whole or nothing. So a copy of it is good when it is
its beginning, cut behind a whole member; it is gone on with from there. A member counts once its checksum was right, is
flushed to the disk, and only then noted: whatever ends the program in between, the folder can be read as history, and
the next time goes on behind what is noted.

The note stands in a hidden file beside the copies, which readers of history leave out.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from kubernaut.errors import HistoryError, InputError, OutputError
from kubernaut_operator.recording.folder import whole_bytes
from kubernaut_operator.recording.members import Members

NOTE = ".kubernaut-pull.json"
NOTE_VERSION = 1


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder, and keep other programs like this one from writing there meanwhile.

    Raises
    ------
    InputError
        Another one writes there now.
    OutputError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder}: history is being fetched into it already; wait for that, or name another folder"
            ) from None
        yield
    finally:
        os.close(lock)


@dataclass(slots=True)
class Note:
    """How far fetching came.

    Attributes
    ----------
    path : Path
    cluster : str
        UID of the cluster whose history this is; empty before it is known.
    pods : dict of str to dict of str to int
        By pod and file, the bytes of it that are here.
    """

    path: Path
    cluster: str = ""
    pods: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a folder's note; an empty one where there is none.

        Raises
        ------
        InputError
            It is none that this program wrote.
        """
        path = folder / NOTE
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["version"] != NOTE_VERSION:
                raise InputError(f"{path}: version {told['version']}, read here is {NOTE_VERSION}; use another folder")
            pods = {
                str(pod): {str(name): int(size) for name, size in files.items()} for pod, files in told["pods"].items()
            }
            return cls(path, cluster=str(told["cluster"]), pods=pods)
        except FileNotFoundError:
            return cls(path)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: not a note of what was fetched; delete it, and all is fetched anew") from error
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; check the folder") from error

    def belongs_to(self, cluster: str) -> None:
        """Take the cluster's name, or say that the folder is another's.

        Raises
        ------
        InputError
            It holds another cluster's history.
        """
        if cluster and self.cluster and cluster != self.cluster:
            raise InputError(
                f"{self.path.parent}: it holds the history of cluster {self.cluster}, and this is {cluster}; "
                "name another folder"
            )
        self.cluster = self.cluster or cluster

    def write(self) -> None:
        """Write it, as a whole or not at all.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        told: dict[str, Any] = {"version": NOTE_VERSION, "cluster": self.cluster, "pods": self.pods}
        new = self.path.with_name(f"{NOTE}.new")
        try:
            with new.open("w", encoding="utf-8") as file:
                file.write(json.dumps(told, indent=1, sort_keys=True) + "\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error


def fetched_bytes(path: Path, *, noted: int) -> int:
    """Bring a copy to the whole members that are good, and give their bytes; 0 where there is no copy.

    Parameters
    ----------
    noted : int
        What the note says of it. A copy that differs (written to, and not noted yet; or put there by somebody) is
        read through.

    Raises
    ------
    OutputError
        The copy cannot be read or cut.
    """
    try:
        size = path.stat().st_size
        if size == noted:
            return size
        whole = whole_bytes(path)
        if whole < size:
            os.truncate(path, whole)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return whole


def add_members(path: Path, part: Callable[[int], bytes], *, start: int, size: int, told: Callable[[int], None]) -> int:
    """Go on with a copy, and give how many bytes of the file are here then.

    Parameters
    ----------
    part : callable
        Gives the file's bytes from an offset on, some of them; none where there are no more.
    start, size : int
        Bytes that are here, and bytes that there are.
    told : callable
        Told after each part how many bytes have come.

    Raises
    ------
    HistoryError
        What comes is no file of history from some byte on.
    OutputError
        The copy cannot be written.
    """
    members, kept = Members(), b""
    whole = at = start
    try:
        with path.open("ab") as file:
            while at < size and (piece := part(at)):
                at += len(piece)
                kept += piece
                ends = [start + end for end in members.feed(piece)]
                if ends:
                    file.write(kept[: ends[-1] - whole])
                    kept = kept[ends[-1] - whole :]
                    whole = ends[-1]
                if members.damaged:
                    raise HistoryError(
                        f"{path.name}: what comes behind byte {whole} is damaged, on the operator's volume already "
                        "or on the way; what came before is kept"
                    )
                told(at)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return whole


def wanted(modified_at: datetime, since: datetime | None) -> bool:
    """Say whether a file last written then may hold records of this time on."""
    return since is None or modified_at >= since
