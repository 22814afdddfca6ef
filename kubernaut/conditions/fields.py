"""What all models of conditions are made of: strict fields, durations with bounds, checks between them.

Shared by settings.yaml and by custom resources, so that a timeout means the same and is refused for the same
reason wherever it is written.
"""

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from kubernaut.conditions.spec import MAX_TIMEOUT_S
from kubernaut.durations import GO_DURATION, check_bounds, format_duration, parse_duration
from kubernaut.errors import DurationError

MIN_TIMEOUT_S = 0.1
"""Shorter, and not one read of the API server fits in."""
MIN_POLL_INTERVAL_S = 1.0
"""A faster poll is load without knowledge: kubelet reports once a second at best."""
MAX_POLL_INTERVAL_S = 300.0

FROM_TEXT = {"from_text": True}
"""Validation context of values that a person wrote: a bare number is no duration there."""


def _seconds(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except DurationError as error:
            raise ValueError(str(error)) from error
    if info.context and isinstance(value, int | float):
        raise ValueError(f"{value} of what? write a duration, e.g. {value}s")
    return value


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds line breaks or control characters; write one line")
    return text


Line = Annotated[str, AfterValidator(_printable)]
"""One line of text for people; anything else would not survive YAML byte for byte."""
_AS_DURATION = WithJsonSchema({"type": "string", "maxLength": 32, "pattern": GO_DURATION})
"""What stands in a custom resource is the text; what the model holds are seconds."""

Seconds = Annotated[float, BeforeValidator(_seconds), Field(allow_inf_nan=False), _AS_DURATION]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_NAME = r"^[a-z][a-z0-9_]{0,62}$"
Name = Annotated[
    str, StringConstraints(pattern=_NAME), WithJsonSchema({"type": "string", "maxLength": 63, "pattern": _NAME})
]
"""Of an action, a condition type or a setting: snake_case, so that it fits file names, labels and Rego."""
LabelValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")]
"""As Kubernetes allows it in a label."""
NamespacePattern = Annotated[str, StringConstraints(pattern=r"^[a-z0-9*?!\[\]-]{1,63}$")]
"""A namespace, with the shell's `*`, `?` and `[...]`."""
Number = Annotated[float, Field(allow_inf_nan=False)]


class StrictModel(BaseModel):
    """What all models of settings share: frozen, strict types, unknown keys refused."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


def check_timing(*, timeout_s: float, poll_interval_s: float | None = None, hold_for_s: float = 0.0) -> None:
    """Check one condition's times against their bounds and each other.

    Raises
    ------
    ValueError
        The message begins with the field's name as written in YAML.
    """
    check_named("timeout", timeout_s, minimum_s=MIN_TIMEOUT_S, maximum_s=MAX_TIMEOUT_S)
    if poll_interval_s is not None:
        check_named("pollInterval", poll_interval_s, minimum_s=MIN_POLL_INTERVAL_S, maximum_s=MAX_POLL_INTERVAL_S)
        if poll_interval_s > timeout_s:
            raise ValueError(
                f"pollInterval: {format_duration(poll_interval_s)} is longer than the timeout "
                f"({format_duration(timeout_s)}); nothing would be polled"
            )
    if hold_for_s:
        check_named("holdFor", hold_for_s, minimum_s=MIN_TIMEOUT_S, maximum_s=MAX_TIMEOUT_S)
    if hold_for_s >= timeout_s:
        raise ValueError(
            f"holdFor: {format_duration(hold_for_s)} does not fit into the timeout "
            f"({format_duration(timeout_s)}); it could never pass: raise the timeout or lower holdFor"
        )


def check_named(name: str, seconds: float, *, minimum_s: float, maximum_s: float) -> None:
    """`check_bounds` for validators: raises `ValueError`, beginning with the field's name."""
    try:
        check_bounds(seconds, where=name, minimum_s=minimum_s, maximum_s=maximum_s)
    except DurationError as error:
        raise ValueError(str(error)) from error
