"""Durations in Go's form, as Kubernetes and the guide write them: ``30s``, ``2m``, ``1h30m``, ``500ms``.

`durationpy` reads; this module holds it to what Go's `time.ParseDuration` accepts (durationpy
alone also takes days, months and years, and signs in the middle) and states the bounds of a condition's
durations. Seconds are floats everywhere behind this door, with a resolution of one microsecond; a nanosecond
is read as 0.

``14d`` is no Go duration: `parse_span` takes it where a person types a stretch of time on a command line.
"""

import math
import re

import durationpy

from kubernaut.errors import DurationError

MAX_GO_S = (2**63 - 1) / 1e9
"""Go keeps a duration as 64-bit nanoseconds: about 292 years."""

GO_DURATION = r"^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$"
"""For schemas: what people write, without the signs and bare dots that Go reads too."""

_GO = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+", re.ASCII)
_ZERO = re.compile(r"[+-]?0")
_SPAN = re.compile(r"(?:(\d{1,9})w)?(?:(\d{1,9})d)?(.*)", re.ASCII | re.DOTALL)
_DAY_S = 86_400.0


def parse_duration(text: str, *, where: str = "") -> float:
    """Read a duration in Go's form.

    Parameters
    ----------
    text : str
        e.g. ``90s``; what `time.ParseDuration` accepts and nothing else.
    where : str
        Put before the message: ``settings.yaml: ...timeout``.

    Returns
    -------
    float
        Seconds; may be negative.

    Raises
    ------
    DurationError
        Not a duration in Go's form, or above 292 years.
    """
    if _ZERO.fullmatch(text):
        return 0.0
    if not _GO.fullmatch(text):
        raise DurationError(
            f"{_at(where)}{text!r} is not a duration; write it like 30s, 2m, 1h30m or 500ms{_hint(text)}"
        )
    negative = text[0] == "-"
    try:
        seconds: float = durationpy.from_str(text.lstrip("+-")).total_seconds()
    except (durationpy.DurationError, OverflowError) as error:
        raise DurationError(f"{_at(where)}{text!r} is too long: a duration ends at 292 years") from error
    if seconds > MAX_GO_S:
        raise DurationError(f"{_at(where)}{text!r} is too long: a duration ends at 292 years")
    return -seconds if negative else seconds


def format_duration(seconds: float) -> str:
    """Write seconds in Go's form, as short as it gets: ``2m`` (Go's `String`: ``2m0s``), ``8.1s``, ``0s``.

    Raises
    ------
    DurationError
        Not a finite number, or above 292 years.

    Notes
    -----
    Written here because `durationpy.to_str` loses microseconds above a second. `parse_duration` reads it back
    to the same microsecond. Microseconds are written ``us``: it is what a keyboard has, and Go reads it.
    """
    if not math.isfinite(seconds) or abs(seconds) > MAX_GO_S:
        raise DurationError(f"{seconds} seconds cannot be written as a duration")
    microseconds = round(abs(seconds) * 1_000_000)
    sign = "-" if seconds < 0 and microseconds else ""
    if microseconds == 0:
        return "0s"
    if microseconds < 1_000:
        return f"{sign}{microseconds}us"
    if microseconds < 1_000_000:
        return f"{sign}{_decimal(microseconds, 1_000)}ms"
    minutes, rest = divmod(microseconds, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if minutes else "")
    return sign + "".join(parts) + (f"{_decimal(rest, 1_000_000)}s" if rest else "")


def _decimal(number: int, unit: int) -> str:
    """Write number/unit, a power of ten, exactly and without trailing zeros."""
    whole, fraction = divmod(number, unit)
    digits = f"{fraction:0{len(str(unit)) - 1}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def check_bounds(seconds: float, *, where: str, minimum_s: float, maximum_s: float, zero: bool = False) -> float:
    """Give `seconds` back when it lies within bounds.

    Parameters
    ----------
    where : str
        What the duration is of, for the message.
    minimum_s, maximum_s : float
        Inclusive bounds.
    zero : bool
        Whether 0 is allowed beside the bounds.

    Raises
    ------
    DurationError
        Negative, zero where it is not allowed, or out of bounds.
    """
    if seconds == 0 and zero:
        return seconds
    if seconds <= 0:
        raise DurationError(
            f"{_at(where)}{format_duration(seconds)} is {'negative' if seconds < 0 else 'zero'}; "
            f"write at least {format_duration(minimum_s)}" + (" or 0s" if zero else "")
        )
    if seconds < minimum_s:
        raise DurationError(
            f"{_at(where)}{format_duration(seconds)} is too short; write at least {format_duration(minimum_s)}"
        )
    if seconds > maximum_s:
        raise DurationError(
            f"{_at(where)}{format_duration(seconds)} is too long; write at most {format_duration(maximum_s)}"
        )
    return seconds


def parse_span(text: str, *, where: str = "") -> float:
    """Read a stretch of time as a person types it: Go's form, weeks and days in front (``14d``, ``1d12h``).

    Returns
    -------
    float
        Seconds, never negative.

    Raises
    ------
    DurationError
        Neither, or negative.
    """
    match = _SPAN.fullmatch(text)
    weeks, days, rest = match.groups() if match else (None, None, text)
    seconds = int(weeks or 0) * 7 * _DAY_S + int(days or 0) * _DAY_S
    if rest or not (weeks or days):
        try:
            seconds += parse_duration(rest)
        except DurationError:
            raise DurationError(f"{_at(where)}{text!r} is not a span of time; write it like 14d, 36h or 90s") from None
    if text.startswith("-") or rest.startswith("-"):
        raise DurationError(f"{_at(where)}{text!r} is negative; a span of time is not")
    if seconds > MAX_GO_S:
        raise DurationError(f"{_at(where)}{text!r} is too long: a span of time ends at 292 years")
    return seconds


def _at(where: str) -> str:
    return f"{where}: " if where else ""


def _hint(text: str) -> str:
    if re.fullmatch(r"\d+(?:\.\d+)?", text, re.ASCII):
        return f" ({text} of what? for seconds write {text}s)"
    if re.fullmatch(r"\d+d", text, re.ASCII):
        return f" (Go knows no days: write {int(text[:-1]) * 24}h)"
    return ""
