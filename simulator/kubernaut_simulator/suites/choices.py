"""What a search may choose for one condition: leave it in warn mode, or require it on one of several terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from kubernaut.durations import format_duration
from kubernaut.errors import InputError
from kubernaut.identity import ConditionId, Phase
from kubernaut.policy.compiled import CompiledPolicy

TIMEOUT_SHARES = (0.25, 0.5, 0.75)
"""Of the timeout in force: what is tried beside it where nobody names timeouts. A longer one than was recorded cannot
be answered from a record that ends there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to require a condition.

    Attributes
    ----------
    timeout_s : float or None
        None means as it is now.
    settings : mapping of str to float
        Numbers that the policy reads as `input.settings`, defaults filled in; empty means as they are now.
    """

    condition: ConditionId
    timeout_s: float | None = None
    settings: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Short text: level, phase and type, and what is other than now."""
        changes = [f"{name}={value:g}" for name, value in sorted(self.settings.items())]
        if self.timeout_s is not None:
            changes.insert(0, f"timeout {format_duration(self.timeout_s)}")
        text = str(self.condition).split("/", 1)[1]
        return f"{text} ({', '.join(changes)})" if changes else text


def choices_of(
    condition: ConditionId,
    *,
    timeout_s: float,
    hold_for_s: float,
    timeouts: Sequence[float] | None = None,
    parameters: Mapping[str, Sequence[float]] | None = None,
    policy: CompiledPolicy | None = None,
) -> tuple[Choice, ...]:
    """Give the ways to require a condition, the present one first.

    Parameters
    ----------
    timeout_s, hold_for_s : float
        As they are now.
    timeouts : sequence of float or None
        Seconds to try beside; None tries shares of the present one, in whole seconds. Only for postconditions.
    parameters : mapping of str to sequence of float, or None
        Values to try for numbers that the policy declares; every combination.
    policy : CompiledPolicy or None
        Needed with `parameters`.

    Raises
    ------
    InputError
        A parameter that the policy does not declare, or a value out of its bounds.
    """
    tried: list[float | None] = [None]
    if condition.phase is Phase.POST:
        named = [float(round(share * timeout_s)) for share in TIMEOUT_SHARES] if timeouts is None else timeouts
        tried += [one for one in sorted(set(named)) if hold_for_s < one and one != timeout_s]
    numbers: list[Mapping[str, float]] = [{}]
    if parameters:
        numbers += _combinations(condition, parameters, policy)
    return tuple(
        Choice(condition=condition, timeout_s=seconds, settings=values) for values in numbers for seconds in tried
    )


def _combinations(
    condition: ConditionId, parameters: Mapping[str, Sequence[float]], policy: CompiledPolicy | None
) -> list[Mapping[str, float]]:
    if policy is None:
        raise InputError(f"{condition}: to try numbers its policy is needed, and the history does not hold it")
    declared = {one.name: one for one in policy.parameters}
    for name, values in parameters.items():
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise InputError(f"{condition}: its policy declares no parameter {name}; it declares {known}")
        for value in values:
            if not declared[name].allows(value):
                raise InputError(f"{condition}: {name} = {value:g} is out of the bounds that its policy declares")
    defaults = {name: one.default for name, one in declared.items()}
    names = sorted(parameters)
    return [
        {**defaults, **dict(zip(names, values, strict=True))}
        for values in product(*(sorted(set(parameters[name])) for name in names))
    ]
