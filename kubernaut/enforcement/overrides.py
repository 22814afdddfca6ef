"""Overrides: annotations by which a person lets a run pass a condition that would block it, for a while.

::

    kubernaut.io/override-condition: "1/step/pre/cluster_capacity_available, no_crashloop_pods"
    kubernaut.io/override-reason: "node pool is being enlarged, ticket 4711"
    kubernaut.io/override-by: "system:serviceaccount:ops:alice"
    kubernaut.io/override-until: "2026-03-01T12:00:00Z"

An entry is ``step/level/phase/type``, or the bare ``type`` of the guide, which means all of that type in this
run. That the author holds the right to override, and that `override-by` is who they are, is checked by an
admission policy; while that policy is missing nobody has checked, and every override is ignored. Expiry is
checked here: admission has no clock. Safety policies have no condition type and are never asked whether they
are overridden.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubernaut.identity import ConditionId, Level, Phase

PREFIX = "kubernaut.io/override-"
CONDITION = f"{PREFIX}condition"
REASON = f"{PREFIX}reason"
UNTIL = f"{PREFIX}until"
BY = f"{PREFIX}by"

LONGEST = timedelta(hours=24)
"""From first sight; who needs longer should change the settings."""

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideEntry:
    """What one entry of the list covers; None means any."""

    type: str
    step: int | None = None
    level: Level | None = None
    phase: Phase | None = None

    def covers(self, condition: ConditionId, *, step: int) -> bool:
        """Say whether a condition of a step of this run is meant."""
        return (
            condition.type == self.type
            and self.step in (None, step)
            and self.level in (None, condition.level)
            and self.phase in (None, condition.phase)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A valid override: who, why, and until when.

    Attributes
    ----------
    until : datetime
        UTC; as annotated, at most 24 h after first sight.
    """

    entries: tuple[OverrideEntry, ...]
    by: str
    reason: str
    until: datetime

    def covers(self, condition: ConditionId, *, step: int) -> bool:
        """Say whether a condition of a step of this run is overridden."""
        return any(entry.covers(condition, step=step) for entry in self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideReading:
    """What the annotations come to now.

    Attributes
    ----------
    override : Override or None
        None when there is none, or none that is valid now.
    problems : tuple of str
        Why not, or which entries were left out; for an Event.
    """

    override: Override | None = None
    problems: tuple[str, ...] = ()


def override_fingerprint(annotations: Mapping[str, str]) -> str | None:
    """Give a digest of the override's annotations, or None without one.

    The caller keeps it in status together with the time it first saw it: a changed override was admitted anew
    and starts its own 24 h.
    """
    if CONDITION not in annotations:
        return None
    text = "\n".join(f"{key}={annotations[key]}" for key in sorted(annotations) if key.startswith(PREFIX))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_override(
    annotations: Mapping[str, str], *, first_seen_at: datetime, now: datetime, admission_policy_present: bool
) -> OverrideReading:
    """Read an object's override annotations as they stand now.

    Parameters
    ----------
    annotations : mapping of str to str
        All of the object's.
    first_seen_at : datetime
        When this override was first seen (see `override_fingerprint`).
    now : datetime
    admission_policy_present : bool
        Whether the admission policy and its binding are in place.
    """
    if CONDITION not in annotations:
        return OverrideReading()
    if not admission_policy_present:
        return _invalid("the admission policy that checks who may override is missing; install it")
    by, reason = annotations.get(BY, "").strip(), annotations.get(REASON, "").strip()
    for value, name in ((by, BY), (reason, REASON)):
        if not value:
            return _invalid(f"{name} is missing; an override names who and why")
    until = first_seen_at + LONGEST
    if UNTIL in annotations:
        wanted = _time(annotations[UNTIL])
        if wanted is None:
            return _invalid(f"{UNTIL} is {annotations[UNTIL]!r}; write it like 2026-03-01T12:00:00Z")
        until = min(until, wanted)
    if now >= until:
        return _invalid(f"it ended at {until.isoformat(timespec='seconds')}")
    entries, problems = _entries(annotations[CONDITION])
    if not entries:
        return OverrideReading(problems=problems or (f"override ignored: {CONDITION} is empty",))
    return OverrideReading(override=Override(entries=entries, by=by, reason=reason, until=until), problems=problems)


def _invalid(why: str) -> OverrideReading:
    return OverrideReading(problems=(f"override ignored: {why}",))


def _time(text: str) -> datetime | None:
    """Read RFC 3339; None when it is something else."""
    text = text.strip()
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _entries(text: str) -> tuple[tuple[OverrideEntry, ...], tuple[str, ...]]:
    entries: list[OverrideEntry] = []
    problems: list[str] = []
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        entry = _entry(part)
        if entry is None:
            problems.append(
                f"override entry {part!r} left out: write step/level/phase/type, "
                "e.g. 1/step/pre/deployment_exists, or a type alone (safety policies cannot be overridden)"
            )
        else:
            entries.append(entry)
    return tuple(entries), tuple(problems)


def _entry(text: str) -> OverrideEntry | None:
    parts = text.split("/")
    if not _TYPE.fullmatch(parts[-1]):
        return None
    if len(parts) == 1:
        return OverrideEntry(type=text)
    if len(parts) != 4 or not (parts[0].isascii() and parts[0].isdigit()):
        return None
    step, level, phase, type_ = parts
    if level not in set(Level) or phase not in set(Phase):
        return None
    return OverrideEntry(type=type_, step=int(step), level=Level(level), phase=Phase(phase))
