"""Everything that is checked before a policy may judge: one pass that finds every problem, each with its place.

`compiling` raises the first problem; `lint` lists them all. The order is from the outside in: text, words, surface,
compiler, plan, facts; a stage that cannot go on ends the pass.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kubernaut.errors import Place, PolicyError
from kubernaut.facts.snapshot import ANY
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.guards import check_nesting, check_text
from kubernaut.policy.known_facts import KnownFacts, first_unknown
from kubernaut.policy.metadata import PolicyMetadata, read_metadata
from kubernaut.policy.outline import Outline, place_of, read_outline
from kubernaut.policy.plan import Plan, first_place, parse_plan
from kubernaut.policy.plan_checks import check_calls, check_data, check_recursion, check_safety
from kubernaut.policy.reads import EVERYTHING, InputReads, input_reads
from kubernaut.policy.rego_answers import MISSING_BUILTINS, RULES, BuildError
from kubernaut.policy.words import check_words
from kubernaut.policy.worker.compiler import build_plan

PlanBuilder: TypeAlias = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""(package, file -> source) -> `plan.json`, with `MISSING_BUILTINS` beside it; raises `BuildError`."""

_RESERVED_PACKAGES = ("lib", "system")


@dataclass
class Examined:
    """What one pass found.

    Attributes
    ----------
    problems : list of PolicyError
        In the order found.
    policy : CompiledPolicy or None
        None when there are problems.
    outline, reads : optional
        As far as the pass came.
    """

    problems: list[PolicyError] = field(default_factory=list)
    policy: CompiledPolicy | None = None
    outline: Outline | None = None
    reads: InputReads | None = None
    metadata: PolicyMetadata = field(default_factory=PolicyMetadata)


def examine(
    source: str,
    *,
    name: str,
    libraries: Mapping[str, str],
    known_facts: KnownFacts | None,
    plan_builder: PlanBuilder = build_plan,
) -> Examined:
    """Check a policy and compile it.

    Parameters
    ----------
    source, name, libraries, known_facts
        As for `compile_policy`.
    plan_builder : PlanBuilder
        Where the compiler runs.
    """
    found = Examined()
    try:
        _examine(found, source, name=name, libraries=libraries, known_facts=known_facts, plan_builder=plan_builder)
    except PolicyError as error:
        found.problems.append(error)
    except RecursionError:
        found.problems.append(
            PolicyError(
                "iterations or helpers are nested too deeply; split the policy or make it simpler",
                place=Place(file=name),
            )
        )
    return found


def _examine(
    found: Examined,
    source: str,
    *,
    name: str,
    libraries: Mapping[str, str],
    known_facts: KnownFacts | None,
    plan_builder: PlanBuilder,
) -> None:
    outline = found.outline = _outline(source, file=name)
    reached = _surface(found, outline, source, name=name, libraries=libraries)
    if found.problems:
        return
    document = _compile(found, outline.package, {name: source, **reached}, name=name, plan_builder=plan_builder)
    if document is None:
        return
    missing = frozenset(document.get(MISSING_BUILTINS, ()))
    document = {key: value for key, value in document.items() if key != MISSING_BUILTINS}
    plan = parse_plan(document)
    found.problems.extend(_plan_problems(plan, outline, missing=missing, name=name))
    if found.problems:
        return
    package = outline.package
    found.reads = input_reads(plan, [f"g0.data.{package}.{rule}" for rule in RULES])
    found.problems.extend(_reads_problems(found.reads, found.metadata, known_facts, name=name))
    if found.problems:
        return
    called = {callee for calls in plan.calls.values() for callee, _ in calls}
    found.policy = CompiledPolicy(
        name=name,
        package=package,
        source=source,
        libraries=reached,
        digest=digest_of(source, reached),
        reads=found.reads.paths,
        parameters=found.metadata.parameters,
        has_error_message=plan.find(package, "error_message") is not None,
        has_fatal=plan.find(package, "fatal") is not None,
        builtins=tuple(sorted(called - set(plan.functions))),
        metadata=found.metadata,
        plan=document,
    )


def digest_of(source: str, libraries: Mapping[str, str]) -> str:
    """Name a policy by what decides: its source and the libraries that it reaches; file names do not count."""
    text = json.dumps([source, sorted(libraries.values())], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _surface(
    found: Examined, outline: Outline, source: str, *, name: str, libraries: Mapping[str, str]
) -> dict[str, str]:
    found.problems.extend(check_words(outline, file=name))
    first = outline.package.split(".")[0]
    if first in _RESERVED_PACKAGES:
        found.problems.append(
            PolicyError(
                f"a policy's package must not be under `{first}`; name it e.g. `precondition.scale_deployment`",
                place=place_of(outline.package_token, name),
            )
        )
    found.problems.extend(_import_problems(outline, file=name))
    found.metadata = read_metadata(source, file=name)
    reached = _reached_libraries(found, outline, libraries)
    if name in reached:
        raise PolicyError(f"the policy and one of its libraries are both called `{name}`", place=Place(file=name))
    return reached


def _outline(source: str, *, file: str) -> Outline:
    check_text(source, file=file)
    outline = read_outline(source, file=file)
    check_nesting(outline.words, file=file)
    return outline


def _import_problems(outline: Outline, *, file: str) -> Iterator[PolicyError]:
    for imported in outline.imports:
        parts = imported.path.split(".")
        known = (
            imported.path == "rego.v1"
            or parts[:2] == ["future", "keywords"]
            or parts[0] == "input"
            or (parts[:2] == ["data", "lib"] and len(parts) > 2)
        )
        if not known:
            yield PolicyError(
                f"cannot import `{imported.path}`; a policy may import `rego.v1`, `future.keywords.*`, `input.*` and "
                "`data.lib.*`",
                place=place_of(imported.token, file),
            )


def _reached_libraries(found: Examined, outline: Outline, libraries: Mapping[str, str]) -> dict[str, str]:
    """Give the libraries that the policy names, directly or through others; check each of them."""
    outlines: dict[str, Outline] = {}
    reached: dict[str, str] = {}
    waiting = list(outline.libraries)
    if not waiting:
        return {}
    for file, text in sorted(libraries.items()):
        outlines[file] = _outline(text, file=file)
    while waiting:
        wanted = waiting.pop()
        for file, other in outlines.items():
            if file not in reached and _touches(wanted, other.package):
                reached[file] = libraries[file]
                waiting.extend(other.libraries)
                found.problems.extend(check_words(other, file=file))
                found.problems.extend(_import_problems(other, file=file))
    for file in reached:
        if outlines[file].package.split(".")[0] != "lib" or outlines[file].package == "lib":
            found.problems.append(
                PolicyError(
                    "a library's package must be under `lib`, e.g. `lib.quantities`",
                    place=place_of(outlines[file].package_token, file),
                )
            )
    return reached


def _touches(reference: str, package: str) -> bool:
    return reference == package or reference.startswith(f"{package}.") or package.startswith(f"{reference}.")


def _compile(
    found: Examined, package: str, modules: Mapping[str, str], *, name: str, plan_builder: PlanBuilder
) -> Mapping[str, Any] | None:
    try:
        return _with_full_names(plan_builder(package, modules), modules)
    except BuildError as error:
        for problem in error.problems:
            text = modules.get(problem.file, modules[name])
            place = _place_at(text, problem.offset, file=problem.file if problem.file in modules else name)
            hint = _EVERY_HINT if _is_bare_every(text, place) else ""
            found.problems.append(PolicyError(f"cannot be parsed: {problem.message}{hint}", place=place))
        if not error.problems:
            found.problems.append(PolicyError(f"cannot be compiled: {error}", place=Place(file=name)))
        return None


_EVERY_HINT = "; put the body in braces: `if { every ... in ... { ... } }`"


def _is_bare_every(source: str, place: Place) -> bool:
    # OPA takes `allow if every x in xs { ... }`, regopy only takes it in braces.
    lines = source.splitlines()
    return place.line is not None and place.line <= len(lines) and "if every " in lines[place.line - 1]


def _with_full_names(document: Mapping[str, Any], modules: Mapping[str, str]) -> Mapping[str, Any]:
    """Give a plan whose files are called what the user calls them; regopy leaves out their folders."""
    static = document["static"]
    full: dict[str, list[str]] = {}
    for name in modules:
        full.setdefault(name.rsplit("/", 1)[-1], []).append(name)
    named = [
        {**entry, "value": full[entry["value"]][0]} if len(full.get(entry["value"], ())) == 1 else entry
        for entry in static.get("files", ())
    ]
    return {**document, "static": {**static, "files": named}}


def _place_at(source: str, offset: int, *, file: str) -> Place:
    before = source.encode()[:offset]
    line_start = before.rfind(b"\n") + 1
    return Place(file=file, line=before.count(b"\n") + 1, column=len(before[line_start:].decode(errors="ignore")) + 1)


def _plan_problems(plan: Plan, outline: Outline, *, missing: frozenset[str], name: str) -> Iterator[PolicyError]:
    package = outline.package
    if plan.find(package, "allow") is None:
        yield PolicyError(
            f"`{package}` has no rule `allow`; write `allow if {{ ... }}`",
            place=place_of(outline.package_token, name),
        )
    for rule in RULES:
        function = plan.find(package, rule)
        if function is not None and len(function.params) > 2:
            yield PolicyError(f"`{rule}` must be a rule, not a function", place=first_place(function))
    yield from check_calls(plan, is_builtin=lambda callee: callee not in missing)
    yield from check_recursion(plan)
    yield from check_data(plan)
    yield from check_safety(plan)


def _reads_problems(
    reads: InputReads, metadata: PolicyMetadata, known_facts: KnownFacts | None, *, name: str
) -> Iterator[PolicyError]:
    declared = {parameter.name for parameter in metadata.parameters}
    for path in reads.paths:
        place = _place_of_path(reads, path, name)
        if path == EVERYTHING:
            continue
        if path[0] == "settings" and (len(path) == 1 or path[1] == ANY):
            yield PolicyError("read settings by name, e.g. `input.settings.limit`", place=place)
        elif path[0] == "settings" and path[1] not in declared:
            yield PolicyError(
                f"`input.settings.{path[1]}` is not declared; add it to `custom.parameters` of the package's METADATA "
                "with a `default`",
                place=place,
            )
        wrong = first_unknown(known_facts, path) if known_facts is not None else None
        if wrong is not None:
            yield PolicyError(wrong, place=place)


def _place_of_path(reads: InputReads, path: tuple[str, ...], name: str) -> Place:
    for length in range(len(path), 0, -1):
        place = reads.places.get(path[:length])
        if place is not None:
            return place
    return Place(file=name)
