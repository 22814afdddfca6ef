"""What controllers record through: rows go to the operating system before the status that uses them is written.

Recording serves learning and must never stand in the way of a remediation. So a thread of its own writes; whoever
records waits for it a second at the most, gets a yes or no and never an error; a disk that is full, broken or hung
costs rows, which are counted by reason and told once when it begins and once when it is over.

Ids are made of what a row is about (`kubernaut.history.ids`): a restarted operator that records the same look again
writes a row of the same id, and the reader keeps the newest.
"""

import errno
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from kubernaut.errors import HistoryError
from kubernaut.history.codec import kind_of, row_to_line
from kubernaut.history.ids import policy_id
from kubernaut.history.policy_rows import policy_row
from kubernaut.history.rows import AttemptRow, EvaluationRow, ExecutionRow, Row, WorkflowRow
from kubernaut.identity import ConditionId
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut_operator.recording.figures import Dropped, RecorderFigures, TroubleTeller
from kubernaut_operator.recording.settings import RecorderSettings
from kubernaut_operator.recording.writing import Files, Line

POLICIES_KEPT = 2048
"""Policy rows remembered; those of the newest files are among them."""

TOGETHER_BYTES = 4 << 20
"""Text that goes into one append; what waits longer goes into the next."""

TIDY_EVERY_S = 60.0

RECORDING_FAILS = "RecordingFails"
RECORDING_WORKS = "RecordingWorks"

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Batch:
    lines: Sequence[Line]
    size: int
    done: threading.Event = field(default_factory=threading.Event)
    written: bool = False


class Recorder:
    """Appends rows for any number of threads; call `close` at the end.

    Parameters
    ----------
    settings : RecorderSettings
    may_write : callable or None
        Asked before rows are taken; raises where this replica does not lead. None asks nobody.
    tell : TroubleTeller or None
        Called from a thread of its own.
    wall : callable
        The time now, for names and policy rows.
    """

    def __init__(
        self,
        settings: RecorderSettings,
        *,
        may_write: Callable[[], None] | None = None,
        tell: TroubleTeller | None = None,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._may_write = may_write
        self._tell = tell
        self._wall = wall
        self._policies: OrderedDict[str, bytes] = OrderedDict()
        self._files = Files(settings, policies=self._policies, wall=wall)
        self._changed = threading.Condition()
        self._waiting: deque[_Batch] = deque()
        self._waiting_bytes = 0
        self._late = False
        self._ending = False
        self._written: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._bytes_written = 0
        self._trouble = ""
        self._lost_in_trouble = 0
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def attempts(self, rows: Sequence[AttemptRow]) -> bool:
        """Record looks; says whether they are with the operating system."""
        return self._record(rows)

    def evaluations(self, rows: Sequence[EvaluationRow]) -> bool:
        """Record settled conditions."""
        return self._record(rows)

    def execution(self, row: ExecutionRow) -> bool:
        """Record a run, as far as it has come; a newer row of the same run replaces it for the reader."""
        return self._record([row])

    def workflow(self, row: WorkflowRow) -> bool:
        """Record a workflow, or its outcome when that is known."""
        return self._record([row])

    def policies(self, policies: Iterable[tuple[ConditionId, CompiledPolicy, bool]]) -> None:
        """Make the sources known that coming rows are judged by; each is written before the first row that needs it.

        Parameters
        ----------
        policies : iterable of (ConditionId, CompiledPolicy, bool)
            The condition in whose place it judges, the policy, and whether it is a challenger. To be called whenever
            a run's conditions were resolved, after a restart too; what is known already costs nothing.
        """
        for condition, policy, candidate in policies:
            name = policy_id(condition, digest=policy.digest, candidate=candidate)
            with self._changed:
                if name in self._policies:
                    self._policies.move_to_end(name)
                    continue
            row = policy_row(condition, policy, candidate=candidate, recorded_at=self._wall())
            line = self._line(row)
            if line is None:
                continue
            with self._changed:
                self._policies[name] = line.text
                while len(self._policies) > POLICIES_KEPT:
                    self._policies.popitem(last=False)

    def figures(self) -> RecorderFigures:
        """Give what was written and dropped since the start, and what there is."""
        with self._changed:
            return RecorderFigures(
                written=dict(self._written),
                dropped=dict(self._dropped),
                bytes_written=self._bytes_written,
                files=self._files.count,
                bytes_on_disk=self._files.size,
                deleted=self._files.deleted,
                trouble=self._trouble,
            )

    def ended(self) -> str:
        """Say that nothing is written any more because the thread that writes ended; nothing while it runs."""
        return "" if self._thread.is_alive() else "the thread that writes history ended"

    def close(self, *, limit_s: float = 5.0) -> bool:
        """Write what waits and close the file; says whether that was done within the limit."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    def _record(self, rows: Sequence[Row]) -> bool:
        if self._may_write is not None:
            self._may_write()
        lines = [line for row in rows if (line := self._line(row)) is not None]
        if not lines:
            return not rows
        batch = _Batch(lines, sum(len(line.text) for line in lines))
        with self._changed:
            if self._ending or self._waiting_bytes + batch.size > self._settings.waiting_bytes:
                self._drop(len(lines), Dropped.TOO_SLOW, "the disk does not keep up: rows wait to be written")
                return False
            self._waiting.append(batch)
            self._waiting_bytes += batch.size
            self._changed.notify_all()
            # Who waited in vain has waited for all: until the disk has caught up nobody does again.
            wait_s = 0.0 if self._late else self._settings.wait_s
        if not batch.done.wait(wait_s):
            self._late = True
        return batch.written and len(lines) == len(rows)

    def _line(self, row: Row) -> Line | None:
        policy = ""
        if isinstance(row, AttemptRow | EvaluationRow):
            policy = policy_id(row.condition, digest=row.policy_digest, candidate=row.candidate)
        try:
            return Line(kind=kind_of(row).value, text=row_to_line(row).encode() + b"\n", policy=policy)
        except HistoryError as error:
            _log.error("a row cannot be written", error=str(error))
            with self._changed:
                self._dropped[Dropped.UNWRITABLE] += 1
            return None

    def _run(self) -> None:
        tidy_at_s = time.monotonic() + TIDY_EVERY_S
        while True:
            with self._changed:
                if not self._waiting and not self._ending:
                    self._late = False
                    self._changed.wait(max(tidy_at_s - time.monotonic(), 0.0))
                batches = self._take()
                ending = self._ending and not self._waiting
            if batches:
                self._write(batches)
            if time.monotonic() >= tidy_at_s or ending:
                tidy_at_s = time.monotonic() + TIDY_EVERY_S
                self._tidy(ending=ending)
            if ending:
                return

    def _take(self) -> list[_Batch]:
        batches: list[_Batch] = []
        size = 0
        while self._waiting and (not batches or size + self._waiting[0].size <= TOGETHER_BYTES):
            batches.append(self._waiting.popleft())
            size += batches[-1].size
        return batches

    def _write(self, batches: Sequence[_Batch]) -> None:
        lines = [line for batch in batches for line in batch.lines]
        try:
            size, sources = self._files.write(lines)
        except OSError as error:
            self._failed(len(lines), error)
        else:
            self._succeeded(lines, size, sources)
            for batch in batches:
                batch.written = True
        with self._changed:
            self._waiting_bytes -= sum(batch.size for batch in batches)
        for batch in batches:
            batch.done.set()

    def _tidy(self, *, ending: bool) -> None:
        try:
            if ending:
                self._files.close()
            else:
                self._files.tidy()
        except OSError as error:
            self._failed(0, error)

    def _succeeded(self, lines: Sequence[Line], size: int, sources: int) -> None:
        with self._changed:
            self._written.update(line.kind for line in lines)
            self._written["policies"] += sources
            self._bytes_written += size
            trouble, self._trouble = self._trouble, ""
            lost, self._lost_in_trouble = self._lost_in_trouble, 0
        if trouble:
            at = self._wall().strftime("%Y-%m-%dT%H:%M:%SZ")
            self._say(RECORDING_WORKS, f"history is written again since {at}; {lost} rows were lost", warning=False)

    def _failed(self, rows: int, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = f"{self._settings.folder}: {error.strerror or error}"
        with self._changed:
            self._drop(rows, Dropped.DISK_FULL if full else Dropped.DISK_ERROR, why)

    def _drop(self, rows: int, reason: Dropped, why: str) -> None:
        """Count rows that are lost, and tell when that begins. The caller holds the lock."""
        self._dropped[reason] += rows
        self._lost_in_trouble += rows
        begins, self._trouble = not self._trouble, why
        if begins:
            # The time makes each spell of trouble one that has not been told.
            since = self._wall().strftime("%Y-%m-%dT%H:%M:%SZ")
            note = f"history is not written since {since}: {why}. Remediations go on, their records are lost meanwhile"
            self._say(RECORDING_FAILS, note, warning=True)

    def _say(self, reason: str, note: str, *, warning: bool) -> None:
        (_log.error if warning else _log.info)(note, reason=reason)
        if self._tell is not None:
            # Telling asks the API server, which may be slow; rows must not wait for that.
            tell = self._tell
            arguments = {"reason": reason, "note": note, "warning": warning}
            threading.Thread(target=tell, kwargs=arguments, name="recorder tells", daemon=True).start()
