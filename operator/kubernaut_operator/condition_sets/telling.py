"""What is said of a load: to the log always, to the ConfigMap as an Event where a person must know.

A refusal is a Warning with file and line and with what is in force instead; a set that guards less than the one
before it is a Warning naming each flag and policy; a set that is in force again after a refusal is said too. The
resourceVersion stands in every note, so that the same mistake made twice is told twice.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import structlog

from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.condition_set import weakening_changes
from kubernaut.safety import SafetySet, weakened_safety
from kubernaut_operator.condition_sets.loading import InForce
from kubernaut_operator.condition_sets.names import CONFIG_MAPS
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.resources import Key

REFUSED = "ConfigMapRefused"
ACCEPTED = "ConfigMapAccepted"
SAFETY_WEAKENED = "SafetyWeakened"

MAX_NOTE_CHARS = 900
"""An Event's note ends at 1,024; the resourceVersion must still find room."""

MAX_WARNINGS = 20
"""Ignored keys logged of one ConfigMap; more are counted."""

_log = structlog.get_logger(__name__)


class Teller:
    """Says how loads went.

    Parameters
    ----------
    events : EventRecorder or None
        None says it to the log alone.
    """

    def __init__(self, events: EventRecorder | None) -> None:
        self._events = events
        self._last: dict[Key, Mapping[str, Any]] = {}

    def tell(self, key: Key, configmap: Mapping[str, Any] | None, *, before: InForce | None, after: InForce) -> None:
        """Say what a load came to.

        Parameters
        ----------
        configmap : mapping or None
            The object; None when it is not there.
        before : InForce or None
            None at the first load.
        """
        state = after.state
        said = {"configmap": str(key), "in_force": after.origin, "digest": state.digest[:12]}
        if configmap is not None:
            self._last[key] = configmap
        if not state.accepted:
            _log.error("ConfigMap refused", **said, reason=state.reason)
            instead = f"; in force instead: {after.origin}"
            # One line: it stands in a table.
            reason = _cut(state.reason.replace("\n", "; "), room=MAX_NOTE_CHARS - len(instead))
            self._event(key, REFUSED, reason + instead, warning=True)
            return
        if configmap is None:
            _log.info("no such ConfigMap: the shipped defaults are in force", **said)
        else:
            _log.info("ConfigMap in force", **said)
        self._warn(after, said)
        if before is not None and not before.state.accepted:
            self._event(key, ACCEPTED, "it can be used and is in force")
        if before is not None:
            for reason, messages in _weaker(before, after):
                _log.warning("guard weakened", **said, reason=reason, changes=list(messages[:MAX_WARNINGS]))
                self._event(key, reason, _listed(messages), warning=True)

    def _warn(self, after: InForce, said: Mapping[str, str]) -> None:
        warnings = after.content.warnings
        for warning in warnings[:MAX_WARNINGS]:
            _log.warning("ConfigMap: something is ignored", **said, warning=warning)
        if len(warnings) > MAX_WARNINGS:
            _log.warning("ConfigMap: more is ignored", **said, count=len(warnings) - MAX_WARNINGS)

    def _event(self, key: Key, reason: str, note: str, *, warning: bool = False) -> None:
        about = self._last.get(key)
        if self._events is None or about is None:
            return
        subject = {"apiVersion": CONFIG_MAPS.api_version, "kind": CONFIG_MAPS.kind, "metadata": about["metadata"]}
        version = about["metadata"].get("resourceVersion", "")
        self._events.tell(
            subject, reason=reason, note=f"{note} (this is resourceVersion {version})", action="Load", warning=warning
        )


def _weaker(before: InForce, after: InForce) -> list[tuple[str, list[str]]]:
    """Give what got weaker, grouped by the Event's reason."""
    old, new = before.content, after.content
    if isinstance(old, CompiledSet) and isinstance(new, CompiledSet):
        changes = sorted(weakening_changes(old.texts, new.texts), key=lambda change: change.kind)
        return [
            (str(kind), [change.message for change in group]) for kind, group in groupby(changes, lambda one: one.kind)
        ]
    if isinstance(old, SafetySet) and isinstance(new, SafetySet):
        messages = weakened_safety(old, new)
        return [(SAFETY_WEAKENED, list(messages))] if messages else []
    return []


def _listed(messages: Sequence[str]) -> str:
    text = ""
    for number, message in enumerate(messages):
        if len(text) + len(message) > MAX_NOTE_CHARS:
            return f"{text}; and {len(messages) - number} more"
        text = f"{text}; {message}" if text else message
    return text


def _cut(text: str, *, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 4]} ..."
