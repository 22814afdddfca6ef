"""Lines to files: which file is open, what stands in it, when it is closed, which old ones go. One thread's.

Each file is complete in itself: before the first row that names a policy comes the row with that policy's source,
so that deleting the oldest files never takes a source that newer rows need.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from kubernaut_operator.recording.folder import File, file_name, files_of, mend, to_delete
from kubernaut_operator.recording.segment import Segment
from kubernaut_operator.recording.settings import RecorderSettings

VOLUME_SHARE = 0.9
"""Of the volume that the files may take together."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row, ready to be written.

    Attributes
    ----------
    kind : str
    text : bytes
        JSON with its newline.
    policy : str
        Record id of the policy row that must stand before it; empty for none.
    """

    kind: str
    text: bytes
    policy: str = ""


class Files:
    """The pod's files in the folder; not for several threads.

    Parameters
    ----------
    policies : mapping of str to bytes
        Lines of policy rows by record id; looked into at each write.
    monotonic, wall : callable
        Seconds; and the time now, for names and ages.
    """

    def __init__(
        self,
        settings: RecorderSettings,
        *,
        policies: Mapping[str, bytes],
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._policies = policies
        self._monotonic = monotonic
        self._wall = wall
        self._start = wall().strftime("%Y%m%dT%H%M%SZ")
        self._number = 0
        self._open: Segment | None = None
        self._sources: set[str] = set()
        self._mended = False
        self._closed_files = 0
        self._closed_bytes = 0
        self.deleted = 0

    @property
    def count(self) -> int:
        """Files there are."""
        return self._closed_files + (self._open is not None)

    @property
    def size(self) -> int:
        """Bytes they take."""
        return self._closed_bytes + (self._open.size if self._open is not None else 0)

    def write(self, lines: Sequence[Line]) -> tuple[int, int]:
        """Append lines, and give how many bytes they took and how many policy rows were put before them.

        Raises
        ------
        OSError
            None of them stands in a file.
        """
        segment = self._segment()
        wanted = dict.fromkeys(line.policy for line in lines if line.policy and line.policy not in self._sources)
        sources = {policy: text for policy in wanted if (text := self._policies.get(policy)) is not None}
        size = segment.append(b"".join([*sources.values(), *(line.text for line in lines)]))
        self._sources.update(sources)
        return size, len(sources)

    def tidy(self) -> None:
        """Close a file that is old, and delete what the limits do not let stay; for quiet hours.

        Raises
        ------
        OSError
            The folder cannot be read, or the disk did not take the file that was closed.
        """
        if self._open is not None and self._is_full(self._open):
            self._close()
        if self.count:
            self._prune()

    def close(self) -> None:
        """Close the open file.

        Raises
        ------
        OSError
            The disk did not take it.
        """
        if self._open is not None:
            self._close()

    def _segment(self) -> Segment:
        if self._open is not None and not self._open.there:
            _log.warning("the file of history was taken away; another is begun", path=str(self._open.path))
            self._close()
        if self._open is not None and self._is_full(self._open):
            self._close()
        if self._open is None:
            self._settings.folder.mkdir(parents=True, exist_ok=True)
            self._mend()
            self._prune()
            self._open = self._begin()
            self._sources = set()
        return self._open

    def _is_full(self, segment: Segment) -> bool:
        age_s = self._monotonic() - segment.opened_s
        return segment.size >= self._settings.segment_bytes or (
            segment.size > 0 and age_s >= self._settings.segment_age_s
        )

    def _begin(self) -> Segment:
        while True:
            self._number += 1
            path = self._settings.folder / file_name(self._settings.pod, self._start, self._number)
            try:
                return Segment(path, opened_s=self._monotonic())
            except FileExistsError:
                # Two starts within one second.
                continue

    def _close(self) -> None:
        segment, self._open = self._open, None
        if segment is not None:
            self._closed_files += 1
            self._closed_bytes += segment.size
            segment.close()

    def _mend(self) -> None:
        """Mend what the process before this one was writing when it was killed."""
        if self._mended:
            return
        for file in files_of(self._settings.folder, self._settings.pod)[-1:]:
            cut = mend(file.path)
            if cut:
                _log.warning("half-written rows were cut off", path=str(file.path), bytes=cut)
        self._mended = True

    def _prune(self) -> None:
        folder = self._settings.folder
        closed = [file for file in files_of(folder, self._settings.pod) if not self._is_open(file)]
        gone = to_delete(
            closed,
            total_bytes=max(self._total_bytes() - self._settings.segment_bytes, 0),
            keep_s=self._settings.keep_s,
            now_s=self._wall().timestamp(),
        )
        for file in gone:
            file.path.unlink(missing_ok=True)
        self._closed_files = len(closed) - len(gone)
        self._closed_bytes = sum(file.size for file in closed) - sum(file.size for file in gone)
        if gone:
            self.deleted += len(gone)
            names = [file.path.name for file in gone[:10]]
            _log.info(
                "history was deleted for size or age", files=len(gone), first=names, left_bytes=self._closed_bytes
            )

    def _is_open(self, file: File) -> bool:
        return self._open is not None and file.path == self._open.path

    def _total_bytes(self) -> int:
        volume = os.statvfs(self._settings.folder)
        return min(self._settings.total_bytes, int(volume.f_blocks * volume.f_frsize * VOLUME_SHARE))
