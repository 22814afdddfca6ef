"""Everything that can be said about a policy without judging anything: load errors first, then matters of style.

A finding of severity `error` keeps the policy from loading; a `warning` makes it less useful to people or to tuning;
nothing else is reported. Each rule has a name, so that it can be looked up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kubernaut.errors import Place
from kubernaut.policy.checking import Examined, PlanBuilder, examine
from kubernaut.policy.compiling import NO_LIBRARIES
from kubernaut.policy.known_facts import KnownFacts
from kubernaut.policy.outline import Outline, place_of
from kubernaut.policy.worker.compiler import build_plan

MAX_LINE_CHARS = 130


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing said.

    Attributes
    ----------
    severity : Severity
    rule : str
        Its name, e.g. ``no-title``; load errors are ``load``.
    message : str
        What is wrong and what to do.
    place : Place
    """

    severity: Severity
    rule: str
    message: str
    place: Place

    def __str__(self) -> str:
        return f"{self.place}: {self.severity.value}: {self.message} [{self.rule}]"


def lint(
    source: str,
    *,
    name: str,
    libraries: Mapping[str, str] = NO_LIBRARIES,
    known_facts: KnownFacts | None = None,
    plan_builder: PlanBuilder = build_plan,
) -> list[Finding]:
    """Examine a policy.

    Parameters
    ----------
    source, name, libraries, known_facts, plan_builder
        As for `compile_policy`.

    Returns
    -------
    list of Finding
        Errors first, in the order of the checks; then warnings by line. Empty when there is nothing to say.
    """
    found = examine(source, name=name, libraries=libraries, known_facts=known_facts, plan_builder=plan_builder)
    errors = [
        Finding(severity=Severity.ERROR, rule="load", message=problem.message, place=problem.place or Place(file=name))
        for problem in found.problems
    ]
    warnings = [
        Finding(severity=Severity.WARNING, rule=rule, message=message, place=place)
        for rule, message, place in _style(found, source, name=name)
    ]
    return [*errors, *sorted(warnings, key=lambda one: (one.place.line or 0, one.rule))]


def _style(found: Examined, source: str, *, name: str) -> Iterator[tuple[str, str, Place]]:
    outline = found.outline
    if outline is None:
        return
    package = place_of(outline.package_token, name)
    metadata = found.metadata
    if metadata.line is None:
        yield "no-metadata", "say what the policy is for in a `# METADATA` comment above `package`", package
    elif not metadata.title:
        yield "no-title", "give the METADATA a `title`", Place(file=name, line=metadata.line)
    elif not metadata.description:
        yield "no-description", "give the METADATA a `description`", Place(file=name, line=metadata.line)
    if "allow" not in outline.defaults:
        yield "no-default", "write `default allow := false`, so that `allow` is never undefined", package
    yield from _imports(outline, name)
    for number, line in enumerate(source.splitlines(), start=1):
        if len(line) > MAX_LINE_CHARS:
            yield "long-line", f"more than {MAX_LINE_CHARS} characters", Place(file=name, line=number)
    policy = found.policy
    if policy is None:
        return
    if not policy.has_error_message:
        yield "no-error-message", "define `error_message`, so that people read why it did not pass", package
    if policy.reads_everything:
        yield (
            "reads-everything",
            "`input` is passed whole or indexed by a variable, so every fact counts as read; name what is needed",
            package,
        )
    read = {path[1] for path in policy.reads if len(path) > 1 and path[0] == "settings"}
    declared = Place(file=name, line=metadata.line)
    for parameter in policy.parameters:
        if parameter.name not in read and not policy.reads_everything:
            yield "unused-parameter", f"the parameter `{parameter.name}` is declared but never read", declared
        if not parameter.description:
            yield "no-description", f"describe the parameter `{parameter.name}`, with its unit", declared


def _imports(outline: Outline, name: str) -> Iterator[tuple[str, str, Place]]:
    for imported in outline.imports:
        if imported.path.startswith("future.keywords"):
            yield (
                "future-import",
                "`import rego.v1` replaces `future.keywords`",
                place_of(imported.token, name),
            )
