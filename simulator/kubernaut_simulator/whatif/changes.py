"""What a what-if changes of one condition: checked as settings.yaml checks it, laid over what was recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kubernaut.conditions.fields import check_timing
from kubernaut.conditions.spec import MAX_TIMEOUT_S
from kubernaut.durations import format_duration
from kubernaut.errors import SettingsError
from kubernaut.identity import ConditionId, Phase
from kubernaut_simulator.estimation.columns import Codes, Flags, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Other terms of one condition; None leaves what was recorded.

    Attributes
    ----------
    percent : float or None
        0..100.
    """

    timeout_s: float | None = None
    hold_for_s: float | None = None
    required: bool | None = None
    percent: float | None = None

    def over(self, before: Change) -> Change:
        """Give what holds when this comes on top of an earlier change."""
        names = self.__dataclass_fields__
        mine = {name: getattr(self, name) for name in names}
        return Change(**{name: getattr(before, name) if mine[name] is None else mine[name] for name in names})


Changes = Mapping[tuple[ConditionId, str | None], Change]
"""By condition and environment; environment None means everywhere, and a named one wins over it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowTerms:
    """The terms of every evaluation of one condition.

    Attributes
    ----------
    timeout_s, hold_for_s : float, array of float64, or None
        One number for all rows; None as recorded; an array where environments differ.
    required : array of bool, shape (n,)
    percent : array of float64, shape (n,)
    """

    timeout_s: float | Floats | None
    hold_for_s: float | Floats | None
    required: Flags
    percent: Floats


def check_change(condition: ConditionId, change: Change) -> None:
    """Refuse terms that cannot be set.

    Raises
    ------
    SettingsError
        Says which and why.
    """
    if condition.phase is Phase.PRE and change.hold_for_s:
        raise SettingsError(f"{condition}: holdFor: a precondition is looked at once, there is nothing to hold")
    if change.percent is not None and not 0.0 <= change.percent <= 100.0:
        raise SettingsError(f"{condition}: rolloutPercent: {change.percent:g} is not between 0 and 100")
    if change.timeout_s is None and change.hold_for_s is None:
        return
    try:
        check_timing(
            timeout_s=MAX_TIMEOUT_S if change.timeout_s is None else change.timeout_s,
            hold_for_s=change.hold_for_s or 0.0,
        )
    except ValueError as error:
        raise SettingsError(f"{condition}: {error}") from error


def row_terms(
    condition: ConditionId,
    changes: Changes,
    *,
    environment: Codes,
    environments: list[str],
    recorded: RowTerms,
    recorded_timeout_s: Floats,
    recorded_hold_for_s: Floats,
) -> RowTerms:
    """Lay the changes of one condition over what was recorded.

    Parameters
    ----------
    environment : array of int64, shape (n,)
        Codes into `environments`.
    recorded : RowTerms
        Flags and percentages row by row.

    Raises
    ------
    SettingsError
        A `holdFor` does not fit into a recorded timeout.
    """
    own = [(name, change) for (found, name), change in changes.items() if found == condition]
    own.sort(key=lambda one: one[0] is not None)

    def laid(get: Callable[[Change], float | bool | None], base: Floats | Flags) -> Floats | Flags:
        values = base.copy()
        for name, change in own:
            value = get(change)
            if value is not None:
                values[_rows(name, environment, environments)] = value
        return values

    required = laid(lambda one: one.required, recorded.required).astype(bool)
    percent = laid(lambda one: one.percent, recorded.percent).astype(np.float64)
    limits = laid(lambda one: one.timeout_s, recorded_timeout_s).astype(np.float64)
    holds = laid(lambda one: one.hold_for_s, recorded_hold_for_s).astype(np.float64)
    changed = any(change.timeout_s is not None or change.hold_for_s is not None for _, change in own)
    if changed and condition.phase is Phase.POST and bool((holds >= limits).any()):
        at = int(np.argmax(holds >= limits))
        raise SettingsError(
            f"{condition}: holdFor {format_duration(float(holds[at]))} does not fit into the timeout of "
            f"{format_duration(float(limits[at]))} that some runs were recorded with; change the timeout too"
        )
    return RowTerms(
        timeout_s=_as_one(own, lambda one: one.timeout_s, limits),
        hold_for_s=_as_one(own, lambda one: one.hold_for_s, holds),
        required=required,
        percent=percent,
    )


def _rows(name: str | None, environment: Codes, environments: list[str]) -> Flags:
    if name is None:
        return np.ones(len(environment), bool)
    wanted = environments.index(name) if name in environments else -1
    found: Flags = environment == wanted
    return found


def _as_one(
    own: Sequence[tuple[str | None, Change]], get: Callable[[Change], float | None], rows: Floats
) -> float | Floats | None:
    """Give the number that holds everywhere, None where nothing changes, the rows where environments differ."""
    changed = [(name, get(change)) for name, change in own if get(change) is not None]
    if not changed:
        return None
    return rows if any(name is not None for name, _ in changed) else changed[0][1]
