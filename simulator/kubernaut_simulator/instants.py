"""Instants that people write, on a command line or in a file: never without their zone."""

from datetime import datetime

from kubernaut.errors import InputError


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
