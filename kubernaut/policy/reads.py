"""Which `input.*` paths a policy reads, worked out from its plan by following values instead of running it.

Every local is followed through references, iterations, comprehensions and function calls (with their arguments, so that
a part of the input that is handed to a helper is followed there). A path counts as read where its value decides
something or leaves our sight: compared, given to a builtin, returned, put into a set. `count` of a list that was
collected from the input needs its elements' number only, so collecting whole pods by their status reads no more than
that status.

Wherever the analysis cannot follow, it answers "everything": too much is fetched, nothing is missed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kubernaut.errors import Place
from kubernaut.facts.snapshot import ANY, ReadPath
from kubernaut.policy.plan import DATA, INPUT, Function, Plan, Statement

EVERYTHING: ReadPath = ()

_MAX_CONTEXTS = 2000
"""(function, arguments) pairs followed before giving up and answering "everything"."""

_MAX_ROUNDS = 8
"""Passes over one function until nothing changes; plans assign before they use, so two or three are the rule."""


class Value(NamedTuple):
    """What may be in a local.

    Attributes
    ----------
    paths : frozenset of ReadPath
        Parts of the input that it may be.
    elements : frozenset of ReadPath
        It may be a collection made by the policy; these parts of the input may be among its elements.
    """

    paths: frozenset[ReadPath] = frozenset()
    elements: frozenset[ReadPath] = frozenset()

    def joined(self, other: "Value") -> "Value":
        """Give what holds when either may be there."""
        return Value(self.paths | other.paths, self.elements | other.elements)


NOTHING = Value()


class InputReads(NamedTuple):
    """What a policy reads.

    Attributes
    ----------
    paths : tuple of ReadPath
        Sorted; no path is below another; ``((),)`` is everything.
    places : mapping of ReadPath to Place
        Where each path, and each shorter one on the way to it, is first read.
    """

    paths: tuple[ReadPath, ...]
    places: Mapping[ReadPath, Place]


@dataclass
class _Seen:
    full: set[ReadPath] = field(default_factory=set)
    shallow: set[ReadPath] = field(default_factory=set)
    places: dict[ReadPath, Place] = field(default_factory=dict)


def input_reads(plan: Plan, roots: Sequence[str]) -> InputReads:
    """Work out what the functions `roots`, and all that they call, read of the input.

    Parameters
    ----------
    plan : Plan
        Without recursion (`checking` refuses it before).
    roots : sequence of str
        Names of the functions that are asked.
    """
    analysis = _Analysis(plan)
    for name in roots:
        function = plan.functions.get(name)
        if function is not None:
            result = analysis.call(function, (Value(paths=frozenset({EVERYTHING})), NOTHING))
            analysis.use(result, None)
    seen = analysis.seen
    # A path that is only tested for being there is covered by anything read below it, the deepest first.
    for path in sorted(seen.shallow, key=len, reverse=True):
        if not any(full[: len(path)] == path for full in seen.full):
            seen.full.add(path)
    return InputReads(shortest(seen.full), seen.places)


def shortest(paths: Iterable[ReadPath]) -> tuple[ReadPath, ...]:
    """Drop every path that lies below another one; sort the rest."""
    kept: list[ReadPath] = []
    for path in sorted(set(paths), key=lambda one: (len(one), one)):
        if not any(path[: len(short)] == short for short in kept):
            kept.append(path)
    return tuple(sorted(kept))


class _Analysis:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.seen = _Seen()
        self._results: dict[tuple[str, tuple[Value, ...]], Value] = {}

    def call(self, function: Function, arguments: tuple[Value, ...]) -> Value:
        key = (function.name, arguments)
        if key not in self._results:
            if len(self._results) >= _MAX_CONTEXTS:
                self.seen.full.add(EVERYTHING)
                return NOTHING
            self._results[key] = NOTHING
            self._results[key] = _FunctionRun(self, function, arguments).result()
        return self._results[key]

    def use(self, value: Value, place: Place | None) -> None:
        """The value decides something, or goes where it cannot be followed."""
        for path in value.paths | value.elements:
            self.seen.full.add(path)
            self.note(path, place)

    def touch(self, value: Value, place: Place | None) -> None:
        """Whether the value is there decides something."""
        for path in value.paths:
            self.seen.shallow.add(path)
            self.note(path, place)

    def count(self, value: Value, place: Place | None) -> None:
        """How many elements the value has decides something."""
        for path in value.paths:
            self.seen.shallow.add((*path, ANY) if path else EVERYTHING)
            self.note(path, place)

    def note(self, path: ReadPath, place: Place | None) -> None:
        if place is not None:
            self.seen.places.setdefault(path, place)


class _FunctionRun:
    """One function with one set of arguments."""

    def __init__(self, analysis: _Analysis, function: Function, arguments: tuple[Value, ...]) -> None:
        self._analysis = analysis
        self._function = function
        self._locals: dict[int, Value] = dict(zip(function.params, arguments, strict=False))
        self._key_lists: dict[int, tuple[str, ...] | None] = {}
        self._changed = False

    def result(self) -> Value:
        for _ in range(_MAX_ROUNDS):
            self._changed = False
            for block in self._function.blocks:
                self._block(block)
            if not self._changed:
                return self._get(self._function.returns)
        self._analysis.seen.full.add(EVERYTHING)
        return NOTHING

    def _get(self, local: int) -> Value:
        return self._locals.get(local, NOTHING)

    def _operand(self, operand: Any) -> Value:
        return self._get(operand["value"]) if operand["type"] == "local" else NOTHING

    def _join(self, local: int, value: Value) -> None:
        before = self._get(local)
        after = before.joined(value)
        if after != before:
            self._locals[local] = after
            self._changed = True

    def _block(self, block: Sequence[Statement]) -> None:
        for statement in block:
            self._statement(statement)

    def _statement(self, statement: Statement) -> None:
        fields, place = statement.fields, statement.place
        match statement.kind:
            case "DotStmt":
                source = self._operand(fields["source"])
                self._join(fields["target"], self._dot(source, fields["key"], place))
            case "ScanStmt":
                source = self._get(fields["source"])
                self._analysis.touch(source, place)
                self._join(fields["value"], self._elements(source, place))
            case "AssignVarStmt" | "AssignVarOnceStmt":
                self._join(fields["target"], self._operand(fields["source"]))
            case "MakeArrayStmt":
                self._key_lists[fields["target"]] = ()
            case "ArrayAppendStmt":
                self._note_key(fields["array"], fields["value"])
                self._collect(fields["array"], fields["value"], place)
            case "ObjectInsertStmt" | "ObjectInsertOnceStmt":
                self._analysis.use(self._operand(fields["key"]), place)
                self._collect(fields["object"], fields["value"], place)
            case "CallStmt":
                self._join(fields["result"], self._call(fields["func"], fields["args"], place))
            case "LenStmt":
                self._analysis.count(self._operand(fields["source"]), place)
            case "IsArrayStmt" | "IsObjectStmt" | "IsSetStmt" | "IsDefinedStmt" | "IsUndefinedStmt":
                source = fields["source"]
                value = self._get(source) if isinstance(source, int) else self._operand(source)
                self._analysis.touch(value, place)
            case "NotEqualStmt" if fields["b"] == {"type": "bool", "value": False}:
                # "Is there, and is not false": what every bare expression of a body compiles to.
                self._analysis.touch(self._operand(fields["a"]), place)
            case "BlockStmt" | "NotStmt" | "ResetLocalStmt" | "BreakStmt" | "NopStmt" | "ReturnLocalStmt":
                pass
            case kind if kind.startswith("Make") or kind == "AssignIntStmt":
                pass
            case _:
                # Comparisons, sets (equal elements are one), and whatever a later compiler may bring.
                self._use_all(fields, place)
        for block in statement.blocks:
            self._block(block)

    def _use_all(self, fields: Mapping[str, Any], place: Place | None) -> None:
        for name, operand in fields.items():
            if isinstance(operand, dict) and "type" in operand:
                self._analysis.use(self._operand(operand), place)
            elif isinstance(operand, list):
                for one in operand:
                    if isinstance(one, dict) and "type" in one:
                        self._analysis.use(self._operand(one), place)
            elif name in ("source", "a", "b", "value") and isinstance(operand, int):
                self._analysis.use(self._get(operand), place)
        target = fields.get("set") if isinstance(fields.get("set"), int) else None
        if target is not None and "value" in fields:
            self._collect(target, fields["value"], place)

    def _collect(self, target: int, operand: Any, place: Place | None) -> None:
        value = self._operand(operand)
        # One level of collection is followed; what is inside a collection inside one counts as read.
        for path in value.elements:
            self._analysis.use(Value(paths=frozenset({path})), place)
        self._join(target, Value(elements=value.paths | value.elements))

    def _dot(self, source: Value, key: Any, place: Place | None) -> Value:
        return self._follow(source, self._key_parts(key, place), place)

    def _key_parts(self, key: Any, place: Place | None) -> frozenset[str]:
        if key["type"] == "string_index":
            return frozenset({self._analysis.plan.strings[key["value"]]})
        value = self._operand(key)
        self._analysis.use(value, place)
        return frozenset({ANY})

    def _follow(self, source: Value, keys: frozenset[str], place: Place | None) -> Value:
        paths = set()
        for path in source.paths:
            for key in keys:
                if path == EVERYTHING and key == ANY:
                    self._analysis.use(Value(paths=frozenset({EVERYTHING})), place)
                    continue
                found = (*path, key)
                self._analysis.seen.shallow.add(found)
                self._analysis.note(found, place)
                paths.add(found)
        # An element of a collection is one of what was put into it.
        return Value(paths=frozenset(paths) | source.elements)

    def _elements(self, source: Value, place: Place | None) -> Value:
        return self._follow(source, frozenset({ANY}), place)

    def _call(self, name: str, operands: Sequence[Any], place: Place | None) -> Value:
        function = self._analysis.plan.functions.get(name)
        arguments = tuple(self._operand(operand) for operand in operands)
        if function is not None:
            return self._analysis.call(function, arguments)
        if name == "count":
            for argument in arguments:
                self._analysis.count(argument, place)
            return NOTHING
        if name == "object.get" and len(arguments) == 3:
            keys = self._constant_keys(operands[1])
            if keys:
                found = arguments[0]
                for key in keys:
                    found = self._follow(found, frozenset({key}), place)
                return found.joined(arguments[2])
        for argument in arguments:
            self._analysis.use(argument, place)
        return NOTHING

    def _note_key(self, array: int, operand: Any) -> None:
        known = self._key_lists.get(array)
        if known is not None and operand["type"] == "string_index":
            self._key_lists[array] = (*known, self._analysis.plan.strings[operand["value"]])
        else:
            self._key_lists[array] = None

    def _constant_keys(self, operand: Any) -> tuple[str, ...] | None:
        """Give the keys of `object.get`'s second argument, a string or a list of strings written there, or None."""
        if operand["type"] == "string_index":
            return (self._analysis.plan.strings[operand["value"]],)
        return self._key_lists.get(operand["value"]) if operand["type"] == "local" else None


__all__ = ["DATA", "EVERYTHING", "INPUT", "InputReads", "input_reads", "shortest"]
