"""One file that is being written: each append is a gzip member of its own, whole or not there.

After an append its rows are with the operating system: they outlive the process, killed or not. What cannot be
written whole is cut off again, so that a full disk costs rows and never the file.
"""

import gzip
import os
from pathlib import Path

LEVEL = 6


class Segment:
    """An open file of history.

    Parameters
    ----------
    path : Path
        Must not exist yet.
    opened_s : float
        Monotonic seconds.

    Raises
    ------
    OSError
        It exists, or cannot be made.
    """

    def __init__(self, path: Path, *, opened_s: float) -> None:
        self.path = path
        self.opened_s = opened_s
        self.size = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)

    def append(self, text: bytes) -> int:
        """Write lines as one member and give the bytes it took.

        Raises
        ------
        OSError
            It could not be written; the file is as it was before.
        """
        member = memoryview(gzip.compress(text, compresslevel=LEVEL, mtime=0))
        size = len(member)
        try:
            while member:
                member = member[os.write(self._fd, member) :]
        except OSError:
            os.ftruncate(self._fd, self.size)
            raise
        self.size += size
        return size

    @property
    def there(self) -> bool:
        """The file still has its name: nobody deleted or replaced it."""
        try:
            return os.path.samestat(os.fstat(self._fd), self.path.stat())
        except OSError:
            return False

    def close(self) -> None:
        """Bring it to the disk and close it.

        Raises
        ------
        OSError
            The disk did not take it.
        """
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)
