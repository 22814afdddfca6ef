"""Kubernetes quantities, exact: ``500m``, ``0.5Gi``, ``128974848``, ``12e6``.

The grammar and the limits are those of apimachinery's `resource.Quantity`: a sign, decimal digits with an
optional point, then one suffix: none, decimal (``n u m k M G T P E``), binary (``Ki`` .. ``Ei``) or a
decimal exponent (``e3``, ``E-3``; a lone ``E`` is exa). What is finer than a nano is rounded away from
zero. Numbers here are fractions: nothing is lost between a node that reports ``Ki`` and a policy that
compares ``Mi``.

Two doors. `parse_quantity` is Kubernetes' own, with its saturation at 2^63-1 for binary forms.
`parse_resource` is for amounts of cpu, memory and other resources, where a negative or absurdly large
number is an error and not a value.
"""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from kubernaut.errors import QuantityError

MAX_ALLOWED = 2**63 - 1
"""Where Kubernetes caps binary forms, and the largest amount of a resource."""

_SYNTAX = re.compile(
    r"(?P<sign>[+-]?)(?P<number>\d+\.?\d*|\.\d+)(?:(?P<suffix>[numkMGTPE]|[KMGTPE]i)|[eE](?P<exponent>[+-]?\d+))?",
    re.ASCII,
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"": 0, "Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}
_NANO = -9
_MEBI = 2**20

_MAX_LENGTH = 256
"""Longer text is no amount that anyone wrote; it also keeps clear of Python's limit on digits."""

_MAX_EXPONENT = 999
"""Far outside anything that a machine has; a larger one is an overflow rather than work for the CPU."""

_SHOWN = 40


class Format(StrEnum):
    """The family of a quantity's suffix, kept so that it can be written back in kind."""

    DECIMAL_SI = "DecimalSI"
    BINARY_SI = "BinarySI"
    DECIMAL_EXPONENT = "DecimalExponent"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity as Kubernetes keeps it.

    Attributes
    ----------
    value : Fraction
        Exact; a whole number of nanos.
    format : Format
    """

    value: Fraction
    format: Format

    def __str__(self) -> str:
        """Write it in canonical form: no fraction, the largest suffix that allows it."""
        if self.value == 0:
            return "0"
        whole_kibi = self.value.denominator == 1 and abs(self.value) >= 2**10
        if self.format is Format.BINARY_SI and whole_kibi:
            return _canonical_binary(int(self.value))
        return _canonical_decimal(self.value, exponent=self.format is Format.DECIMAL_EXPONENT)


@lru_cache(maxsize=4096)
def parse_quantity(text: str) -> Quantity:
    """Read a quantity as Kubernetes does.

    Parameters
    ----------
    text : str
        e.g. ``1500m``, ``0.5Gi``, ``1e3``; may be negative.

    Raises
    ------
    QuantityError
        Not a quantity, or out of range.

    Notes
    -----
    Kubernetes reads a text without any digit (``-``, ``.``, ``Ki``) as 0, by accident of its scanner; here
    it is an error, because whoever wrote it meant something else.

    References
    ----------
    k8s.io/apimachinery/pkg/api/resource/quantity.go, `ParseQuantity`.
    """
    match = _SYNTAX.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise QuantityError(f"{_show(text)} is not a quantity; write it like 500m, 2, 1.5Gi or 128974848")
    suffix, exponent_text = match["suffix"] or "", match["exponent"]
    value = Fraction(match["number"])
    format_ = Format.DECIMAL_SI
    if suffix in _BINARY and suffix:
        format_ = Format.BINARY_SI
        value *= 1 << _BINARY[suffix]
    elif exponent_text:
        format_ = Format.DECIMAL_EXPONENT
        exponent = int(exponent_text)
        if abs(exponent) > _MAX_EXPONENT:
            raise QuantityError(f"{_show(text)} is out of range: its exponent is beyond {_MAX_EXPONENT}")
        value *= Fraction(10) ** exponent
    else:
        value *= Fraction(10) ** _DECIMAL[suffix]
    value, _ = round_up(value, scale=_NANO)
    if format_ is Format.BINARY_SI:
        value = min(value, Fraction(MAX_ALLOWED))
        if 0 < value < 1:
            format_ = Format.DECIMAL_SI
    return Quantity(-value if match["sign"] == "-" else value, format_)


def round_up(value: Fraction, *, scale: int) -> tuple[Fraction, bool]:
    """Round away from zero to a multiple of 10 to the `scale`.

    Returns
    -------
    Fraction, bool
        The rounded number, and whether nothing was lost.
    """
    unit = Fraction(10) ** scale
    rounded = math.ceil(abs(value) / unit) * unit
    return (-rounded if value < 0 else rounded), rounded == abs(value)


def parse_resource(value: object) -> Fraction:
    """Read an amount of a resource: cores, bytes, a count of devices.

    Parameters
    ----------
    value : object
        Text, or the number that YAML and JSON also allow (``cpu: 2``).

    Raises
    ------
    QuantityError
        Not a quantity, negative, or above 2^63-1.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise QuantityError(f"a quantity is text or a number, not {type(value).__name__}; write it like 500m or 1.5Gi")
    amount = parse_quantity(value if isinstance(value, str) else _number_text(value)).value
    if amount < 0:
        raise QuantityError(f"{_show(value)} is negative; an amount of a resource is not")
    if amount > MAX_ALLOWED:
        raise QuantityError(f"{_show(value)} is out of range: more than 2^63-1")
    return amount


def cpu_millicores(value: object) -> Fraction:
    """Read an amount of CPU in thousandths of a core; see `parse_resource`."""
    return parse_resource(value) * 1000


def memory_bytes(value: object) -> Fraction:
    """Read an amount of memory in bytes; see `parse_resource`."""
    return parse_resource(value)


def format_cpu_m(cores: Fraction, *, up: bool) -> str:
    """Write cores as ``<n>m``; what is needed is rounded `up`, what is available down."""
    return f"{_whole(cores * 1000, up=up)}m"


def format_memory_mi(size_bytes: Fraction, *, up: bool) -> str:
    """Write bytes as ``<n>Mi``; what is needed is rounded `up`, what is available down."""
    return f"{_whole(size_bytes / _MEBI, up=up)}Mi"


def _whole(value: Fraction, *, up: bool) -> int:
    return math.ceil(value) if up else math.floor(value)


def _number_text(value: float) -> str:
    # An int of thousands of digits has no text in Python; it is no quantity either.
    if isinstance(value, int) and value.bit_length() > _MAX_EXPONENT:
        raise QuantityError("a number of hundreds of digits is out of range: more than 2^63-1")
    return repr(value)


def _canonical_decimal(value: Fraction, *, exponent: bool) -> str:
    nanos = int(value * 10**9)
    power = _NANO
    # SI has no suffix above exa, an exponent has no end.
    while nanos % 1000 == 0 and (exponent or power < _DECIMAL["E"]):
        nanos //= 1000
        power += 3
    if not exponent:
        return f"{nanos}{_DECIMAL_SUFFIX[power]}"
    return f"{nanos}e{power}" if power else str(nanos)


def _canonical_binary(value: int) -> str:
    power = 0
    while value % 1024 == 0 and power < _BINARY["Ei"]:
        value //= 1024
        power += 10
    return f"{value}{_BINARY_SUFFIX[power]}"


def _show(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or value.bit_length() <= _MAX_EXPONENT else "a huge number"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
