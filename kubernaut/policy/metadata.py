"""What a policy says of itself: `# METADATA` comments in OPA's annotation form.

A block is a run of comment lines after a line `# METADATA`; its text is YAML. The block before the `package` line (or
one with `scope: package`) describes the policy; `custom.parameters` there declares the numbers that the policy reads
as `input.settings.<name>`, with default and bounds.

Only the text is read here, no Rego.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from kubernaut.errors import Place, PolicyError

_MARK = "METADATA"
_SCOPES = ("rule", "document", "package", "subpackages")
_FIELDS = frozenset(
    {
        "scope",
        "title",
        "description",
        "related_resources",
        "authors",
        "organizations",
        "schemas",
        "entrypoint",
        "custom",
        "compile",
    }
)
_PARAMETER_FIELDS = frozenset({"default", "minimum", "maximum", "description"})


_MAX_CHARS = 16 * 1024
_MAX_BRACKETS = 200
"""PyYAML's time grows with the square of open brackets."""


class _NoAliasLoader(yaml.SafeLoader):
    """Refuses aliases: ten lines of them can stand for gigabytes once somebody prints the value."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # PyYAML's stubs leave it untyped
            raise yaml.composer.ComposerError(None, None, "aliases are not supported", mark)
        return super().compose_node(parent, index)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyParameter:
    """A number that a policy reads as `input.settings.<name>`.

    Attributes
    ----------
    name : str
    default : float
        Within the bounds.
    minimum, maximum : float or None
        Inclusive; None means no bound.
    description : str
        With its unit.
    """

    name: str
    default: float
    minimum: float | None = None
    maximum: float | None = None
    description: str = ""

    def allows(self, value: float) -> bool:
        """Say whether `value` is within the bounds."""
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyMetadata:
    """What the package's annotation says.

    Attributes
    ----------
    title : str
        Empty when the policy has none.
    description : str
    custom : mapping
        The annotation's `custom` section as it stands, e.g. `wrong_when`.
    parameters : tuple of PolicyParameter
    line : int or None
        One-based line of the annotation; None without one.
    """

    title: str = ""
    description: str = ""
    custom: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[PolicyParameter, ...] = ()
    line: int | None = None


def read_metadata(source: str, *, file: str) -> PolicyMetadata:
    """Read the package's annotation.

    Parameters
    ----------
    source : str
        A Rego module.
    file : str
        Its name, for messages.

    Raises
    ------
    PolicyError
        The YAML cannot be read, a field is unknown, or a parameter is not a number within its bounds.
    """
    lines = source.splitlines()
    found: PolicyMetadata | None = None
    index = 0
    while index < len(lines):
        if lines[index].strip().removeprefix("#").strip() != _MARK or not lines[index].startswith("#"):
            index += 1
            continue
        start = index
        index += 1
        block: list[str] = []
        while index < len(lines) and lines[index].startswith("#"):
            block.append(lines[index].removeprefix("#").removeprefix(" "))
            index += 1
        content = _parse_yaml(block, file=file, start=start)
        follows = next((line for line in lines[index:] if line.strip() and not line.startswith("#")), "")
        scope = content.get("scope", "package" if follows.startswith("package") else "rule")
        if scope not in _SCOPES:
            raise PolicyError(
                f"metadata: scope {scope!r} is not one of {', '.join(_SCOPES)}",
                place=Place(file=file, line=start + 1),
            )
        if scope == "package":
            if found is not None:
                raise PolicyError(
                    "metadata: a second annotation of the package; keep one",
                    place=Place(file=file, line=start + 1),
                )
            found = _metadata(content, file=file, line=start + 1)
    return found or PolicyMetadata()


def _parse_yaml(block: list[str], *, file: str, start: int) -> dict[str, Any]:
    text = "\n".join(block)
    if text.count("[") + text.count("{") > _MAX_BRACKETS or len(text) > _MAX_CHARS:
        raise PolicyError("metadata: too long or nested too deeply", place=Place(file=file, line=start + 1))
    try:
        content = yaml.load(text, _NoAliasLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = start + 2 + (mark.line if mark is not None else 0)
        problem = getattr(error, "problem", None) or "not YAML"
        raise PolicyError(f"metadata: {problem}", place=Place(file=file, line=line)) from error
    if not isinstance(content, dict):
        raise PolicyError(
            "metadata: write `name: value` lines after `# METADATA`", place=Place(file=file, line=start + 1)
        )
    unknown = sorted(str(key) for key in content if key not in _FIELDS)
    if unknown:
        raise PolicyError(
            f"metadata: unknown field `{unknown[0]}`; own fields belong under `custom`",
            place=Place(file=file, line=start + 1),
        )
    return content


def _metadata(content: dict[str, Any], *, file: str, line: int) -> PolicyMetadata:
    place = Place(file=file, line=line)
    custom = content.get("custom") or {}
    if not isinstance(custom, dict):
        raise PolicyError("metadata: `custom` must be a mapping", place=place)
    declared = custom.get("parameters") or {}
    if not isinstance(declared, dict):
        raise PolicyError("metadata: `custom.parameters` must map names to {default, ...}", place=place)
    return PolicyMetadata(
        title=str(content.get("title") or ""),
        description=str(content.get("description") or "").strip(),
        custom=custom,
        parameters=tuple(_parameter(str(name), body, place=place) for name, body in declared.items()),
        line=line,
    )


def _parameter(name: str, body: Any, *, place: Place) -> PolicyParameter:
    where = f"metadata: parameter `{name}`"
    if not isinstance(body, dict) or "default" not in body:
        raise PolicyError(
            f"{where}: write a mapping with `default` (a number), optionally `minimum`, `maximum`, `description`",
            place=place,
        )
    unknown = sorted(str(key) for key in body if key not in _PARAMETER_FIELDS)
    if unknown:
        raise PolicyError(
            f"{where}: unknown field `{unknown[0]}`; known are {', '.join(sorted(_PARAMETER_FIELDS))}",
            place=place,
        )
    for key in ("default", "minimum", "maximum"):
        value = body.get(key)
        if value is None and key != "default":
            continue
        # A bool is an int to Python; `.inf` and `.nan` are floats to YAML.
        if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
            raise PolicyError(f"{where}: `{key}` must be a finite number, not {value!r}", place=place)
    parameter = PolicyParameter(
        name=name,
        default=body["default"],
        minimum=body.get("minimum"),
        maximum=body.get("maximum"),
        description=str(body.get("description") or ""),
    )
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None and low > high:
        raise PolicyError(f"{where}: minimum is above maximum", place=place)
    if not parameter.allows(parameter.default):
        raise PolicyError(f"{where}: the default {parameter.default} is out of its own bounds", place=place)
    return parameter
