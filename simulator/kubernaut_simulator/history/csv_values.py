"""The cells of one line of a CSV file as typed values, by the map.

An error here makes one line bad; its number is added by whoever reads the lines.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, TypeVar

from kubernaut.errors import HistoryError
from kubernaut.facts.snapshot import parse_path
from kubernaut_simulator.history.csv_map import FactMap
from kubernaut_simulator.history.csv_map_cells import Cell, Clock, FactType, Time

Line = Mapping[str, str]
Choice = TypeVar("Choice", bound=StrEnum)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FLAGS = {"true": True, "false": False}
_YES = {"yes": True, "no": False}


def cell_text(cell: Cell, line: Line) -> str:
    """Give a cell's word, translated; empty when the line has no value. HistoryError for an unknown word."""
    if cell.constant is not None:
        return cell.constant
    word = cell.word(line)
    if not word:
        return cell.missing or ""
    if not cell.values:
        return word
    if word in cell.values:
        return cell.values[word]
    if cell.otherwise is not None:
        return cell.otherwise
    known = ", ".join(repr(known) for known in cell.values)
    raise HistoryError(f"column {cell.named} is {word!r}, which the map does not translate; it knows {known}")


def cell_needed(cell: Cell, line: Line, what: str) -> str:
    """Give a cell's word; HistoryError when the line has none."""
    word = cell_text(cell, line)
    if not word:
        raise HistoryError(f"{what} is empty (column {cell.named})")
    return word


def cell_choice(cell: Cell, line: Line, choices: type[Choice]) -> Choice | None:
    """Give a cell's word as one of `choices`, or None without a value. HistoryError for another word."""
    word = cell_text(cell, line)
    if not word:
        return None
    try:
        return choices(word)
    except ValueError:
        raise HistoryError(
            f"column {cell.named} gives {word!r}, which is none of {', '.join(choices)}; translate it under `values`"
        ) from None


def cell_yes(cell: Cell, line: Line) -> bool:
    """Give a cell's ``yes`` or ``no``; no value is no. HistoryError for another word."""
    word = cell_text(cell, line) or "no"
    if word not in _YES:
        raise HistoryError(
            f"column {cell.named} gives {word!r}, which is neither yes nor no; translate it under `values`"
        )
    return _YES[word]


def instant(time: Time, line: Line) -> datetime | None:
    """Give a time in UTC, or None without a value. HistoryError for what is no time."""
    word = line[time.column].strip()
    if not word:
        return None if time.missing is None else time.missing.astimezone(UTC)
    try:
        if time.clock is Clock.RFC3339:
            return _written(time, word)
        since = _EPOCH if time.clock is Clock.UNIX or time.origin is None else time.origin
        return (since + timedelta(seconds=float(word))).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise HistoryError(f"column {time.column!r} is {word!r}, not a time ({time.clock.value}): {error}") from error


def _written(time: Time, word: str) -> datetime:
    found = datetime.fromisoformat(f"{word.removesuffix(' UTC')}+00:00" if word.endswith(" UTC") else word)
    if found.tzinfo is None:
        if time.zone is None:
            raise ValueError("it has no time zone; say it in the map as `zone: UTC`")
        found = found.replace(tzinfo=_zone(time.zone))
    return found.astimezone(UTC)


def _zone(text: str) -> timezone:
    if text == "UTC":
        return UTC
    hours, minutes = text[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text.startswith("-") else offset)


def seconds(column: str, line: Line) -> float | None:
    """Give a duration in s, or None without a value. HistoryError for what is none."""
    word = line[column].strip()
    if not word:
        return None
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise HistoryError(f"column {column!r} is {word!r}, not a number of seconds from 0 on")
    return value


def facts_of(facts: Mapping[str, FactMap], line: Line) -> tuple[dict[str, Any], list[str]]:
    """Give the tree of facts of a line, and the paths that it does not record."""
    tree: dict[str, Any] = {}
    absent = []
    for path, item in facts.items():
        word = line[item.column].strip()
        if word:
            put(tree, path, _fact(item, word))
        elif item.missing == "null":
            put(tree, path, None)
        else:
            absent.append(path)
    return tree, absent


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Set one value of a tree by its path, making the objects above it."""
    *above, name = parse_path(path)
    for part in above:
        tree = tree.setdefault(part, {})
    tree[name] = value


def _fact(item: FactMap, word: str) -> Any:
    try:
        if item.type is FactType.INTEGER:
            return int(word)
        if item.type is FactType.NUMBER:
            return _finite(word)
        if item.type is FactType.FLAG:
            return _FLAGS[word.lower()]
    except (ValueError, KeyError) as error:
        raise HistoryError(f"column {item.column!r} is {word!r}, which is no {item.type.value}") from error
    return word


def _finite(word: str) -> float:
    value = float(word)
    if value - value != 0.0:
        raise ValueError("neither NaN nor an infinity is a fact")
    return value
