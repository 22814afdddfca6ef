"""Instants that people write, on a command line or in a file: never without their zone."""

from datetime import UTC, datetime, timedelta

from kubernaut.durations import parse_duration
from kubernaut.errors import DurationError, InputError


def parse_instant(text: str | None, name: str) -> datetime | None:
    """Read an RFC 3339 instant with its zone; None stays None.

    Parameters
    ----------
    text : str or None
    name : str
        Of the option or column that holds it, for the error.

    Raises
    ------
    InputError
        Not an instant, or one without a zone.
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name} {text!r} is not an instant; write it as 2026-03-01T00:00:00Z") from None
    if instant.tzinfo is None:
        raise InputError(f"{name} {text!r} has no time zone; write it as {text}Z or with +01:00")
    return instant


def parse_since(text: str | None, name: str) -> datetime | None:
    """Read an instant, or a Go duration back from now, as people write both for logs; None stays None.

    Raises
    ------
    InputError
        It is neither.
    """
    if text is None or "-" in text:
        return parse_instant(text, name)
    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(text, where=name))
    except DurationError as error:
        raise InputError(f"{name} {text!r}: write an instant (2026-03-01T00:00:00Z) or a duration (24h)") from error
