"""What has to be known of a query before it is sent: whose it is, and how far back it looks.

Nothing but two checked names is ever put into a query. How far it looks back is read off its text, generously: a window
that is taken for longer than it is, or an instant that is seen where none is, makes a fact late, never wrong.
"""

import re
from datetime import datetime, timedelta

from kubernaut.errors import FactsError
from kubernaut.facts.metrics import CLOCK_TOLERANCE
from kubernaut.facts.objects import Target
from kubernaut.facts.snapshot import Unobserved, UnobservedReason
from kubernaut.kubernetes_names import is_namespace, is_object_name

_NAME = re.compile(r"\$(namespace|name)\b", re.ASCII)
_TEXT = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`""", re.DOTALL)
_COMMENT = re.compile(r"#[^\n]*")
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_RANGE = re.compile(rf"\[\s*({_DURATION})\s*\]", re.ASCII)
_SUBQUERY = re.compile(rf"\[\s*({_DURATION})\s*:[^\]]*\]", re.ASCII)
_ANY_RANGE = re.compile(r"\[[^\]]*\]?")
_OFFSET = re.compile(rf"\boffset\s+({_DURATION})", re.ASCII | re.IGNORECASE)
_PINNED = re.compile(r"@")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", re.IGNORECASE)
_MATCHERS = re.compile(r"\{[^}]*\}")
_RANGED = re.compile(r"(?:[A-Za-z_:][\w:]*)?\s*(?:\{\})?\s*\[\s*(?:\d+[a-z]+)+\s*\]", re.ASCII)
_INSTANT = re.compile(r"(?<![\w.:])[A-Za-z_:][\w:]*(?!\s*\(|[\w:])|\{\}", re.ASCII)
_WORDS = frozenset(
    "and or unless atan2 bool offset by without on ignoring group_left group_right inf nan".split()  # noqa: SIM905 - a sentence of words
)
_PART = re.compile(r"(\d+)(ms|[smhdwy])", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}


def about(query: str, target: Target) -> str:
    """Put the target's names into a query.

    Raises
    ------
    FactsError
        One of them is no name of Kubernetes' and could be more than a name in the query.
    """
    if not is_namespace(target.namespace):
        raise FactsError(f"the namespace {target.namespace!r} is no name that may be put into a query")
    if not is_object_name(target.name):
        raise FactsError(f"the name {target.name!r} is no name that may be put into a query")
    names = {"namespace": target.namespace, "name": target.name}
    return _NAME.sub(lambda found: names[found[1]], query)


def looks_back_s(query: str) -> float:
    """Give how far back a query looks at most, in seconds, beside the samples' own age.

    Raises
    ------
    FactsError
        It is pinned to a moment by ``@``, or has a window that cannot be read, so nobody can say.
    """
    bare = _bare(query)
    if _PINNED.search(bare):
        raise FactsError("the query is pinned to a moment by `@`; whether that lies behind the action is not known")
    # Subqueries may be nested, so their windows add up.
    subqueries_s = sum(_seconds(found[1]) for found in _SUBQUERY.finditer(bare))
    without = _SUBQUERY.sub("", bare)
    range_s = max((_seconds(found[1]) for found in _RANGE.finditer(without)), default=0.0)
    unread = _ANY_RANGE.search(_RANGE.sub("", without))
    if unread:
        raise FactsError(f"the window {unread[0]} of the query cannot be read; write it like [5m]")
    return subqueries_s + range_s + sum(_seconds(found[1]) for found in _OFFSET.finditer(bare))


def of_before(window: timedelta, *, at: datetime, ended: datetime) -> Unobserved | None:
    """Say that a query's number, computed at an instant, also tells of the time before the action's end.

    Parameters
    ----------
    window : timedelta
        How far the query looks back.

    Returns
    -------
    Unobserved or None
        None when all that it looks at lies behind the end, with the tolerance that two clocks need.
    """
    if at - ended >= window - CLOCK_TOLERANCE:
        return None
    return Unobserved(
        UnobservedReason.STALE,
        f"the query looks back {window.total_seconds():g} s, "
        f"to before the action's end at {ended.isoformat(timespec='seconds')}",
    )


def asks_for_now(query: str) -> bool:
    """Say whether a query takes the newest sample of a series, however old, beside or instead of windows."""
    without = _RANGED.sub("", _MATCHERS.sub("{}", _GROUPING.sub("", _bare(query))))
    return any(found[0].lower() not in _WORDS for found in _INSTANT.finditer(without))


def _bare(query: str) -> str:
    """Give a query without comments, and with every text emptied."""
    return _COMMENT.sub("", _TEXT.sub('""', query))


def _seconds(duration: str) -> float:
    return sum(int(part[1]) * _SECONDS[part[2]] for part in _PART.finditer(duration))
