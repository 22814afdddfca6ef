"""Walks a plan one statement at a time on one input and remembers where each body stopped.

Semantics are those of OPA's intermediate representation: a statement that does not hold ends its block; a rule whose
blocks all ended without a value is undefined. For each body the furthest statement that it stopped at is kept, together
with what was read on that line and, when a helper was called there, where the helper stopped.

Longer than most modules: one statement kind after the other of one language, read together.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kubernaut.errors import Place
from kubernaut.policy.calling import BuiltinError, call_builtin
from kubernaut.policy.failures import Called, Failure, PolicyRaisedError, TooLongError
from kubernaut.policy.plan import INPUT, Block, Function, Plan, Statement, first_place
from kubernaut.policy.plan_shapes import ends_in_flag, is_every, is_truth_test
from kubernaut.policy.values import UNDEFINED, RegoSet, entries, freeze, is_collection, look_up, same

MAX_STEPS = 200_000
"""Statements walked before giving up: some seconds, and far more than any policy people can read takes."""

_SILENT = frozenset({"equal", "eq", "neq", "gt", "gte", "lt", "lte", "internal.member_2", "internal.member_3"})
"""Builtins whose result is what the line says anyway; their operands are told instead."""


class Stepper:
    """One walk over one input.

    Parameters
    ----------
    plan : Plan
    document : mapping
        The input.
    """

    def __init__(self, plan: Plan, document: Mapping[str, Any]) -> None:
        self.plan = plan
        self._document = document
        self._rules: dict[str, Called] = {}
        self._steps = 0

    def call(self, function: Function, arguments: Sequence[tuple[Any, str]]) -> Called:
        """Evaluate a rule or function.

        Parameters
        ----------
        function : Function
        arguments : sequence of (value, name)
            Without input and data.

        Raises
        ------
        PolicyRaisedError
            As the evaluator would.
        TooLongError
            The walk is too long to be told.
        """
        if not arguments and function.name in self._rules:
            return self._rules[function.name]
        called = _Frame(self, function, self._document, arguments).run()
        if not arguments:
            self._rules[function.name] = called
        return called

    def count_step(self) -> None:
        """Count one statement."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooLongError(f"more than {MAX_STEPS} steps; the policy is too large to be told line by line")


class _Stop(Exception):  # noqa: N818 - control flow of a block, not an error
    """A statement does not hold."""


class _Frame:
    """One call."""

    def __init__(
        self, stepper: Stepper, function: Function, document: Any, arguments: Sequence[tuple[Any, str]]
    ) -> None:
        self._stepper = stepper
        self._function = function
        self._values: dict[int, Any] = {INPUT: document, 1: {}}
        self._names: dict[int, str] = {INPUT: "input"}
        for local, (value, name) in zip(function.params[2:], arguments, strict=False):
            self._values[local] = value
            self._names[local] = name
        self._place: Place | None = None
        self._head = first_place(function) or Place(file=function.name)
        self._reads: list[tuple[Place, str, Any]] = []
        self._cause: Failure | None = None
        self._reached = 0
        self._furthest: Failure | None = None
        self._gave_false: Failure | None = None
        self._in_default = False
        self._every_cause: Failure | None = None

    def run(self) -> Called:
        for block in self._function.blocks:
            self._place, self._reads, self._cause, self._reached = None, [], None, 0
            # `default` compiles to "if there is no value yet, then this one"; it stops nothing.
            self._in_default = block[0].kind == "IsUndefinedStmt" if block else False
            self._block(block)
        value = self._values.get(self._function.returns, UNDEFINED)
        failure = self._gave_false if value is False and self._gave_false is not None else self._furthest
        return Called(value, failure)

    def _block(self, block: Block) -> bool:
        """Run a block; say whether it came to its end."""
        try:
            for statement in block:
                self._stepper.count_step()
                if statement.place not in (None, self._place) and not is_truth_test(statement):
                    self._place, self._cause = statement.place, None
                self._statement(statement)
                self._reached += 1
        except _Stop:
            self._stopped()
            return False
        return True

    def _stopped(self) -> None:
        failure = self._failure()
        if self._furthest is None or failure.reached > self._furthest.reached:
            self._furthest = failure

    def _failure(self) -> Failure:
        # A rule without a body has places for its head only.
        place = self._place or self._head
        here = (place.file, place.line)
        values = {name: value for read_at, name, value in self._reads if (read_at.file, read_at.line) == here}
        # `input.a` is on the way to `input.a.b`; only the end of the way is told.
        told = tuple(
            (name, value)
            for name, value in values.items()
            if not any(other != name and other.startswith((f"{name}.", f"{name}[")) for other in values)
        )
        reached = self._reached if self._place is not None else -1
        return Failure(place, told, self._cause, reached)

    def _note(self, name: str, value: Any) -> None:
        self._reads.append((self._place or self._head, name, value))

    def _raise(self, message: str) -> None:
        raise PolicyRaisedError(message, self._failure())

    def _get(self, operand: Any) -> Any:
        kind, value = operand["type"], operand["value"]
        if kind == "local":
            return self._values.get(value, UNDEFINED)
        return self._stepper.plan.strings[value] if kind == "string_index" else value

    def _read(self, operand: Any) -> Any:
        """Give an operand that decides something; undefined does not hold."""
        value = self._get(operand)
        name = self._names.get(operand["value"]) if operand["type"] == "local" else None
        if name is not None and name != "input":
            self._note(name, value)
        if value is UNDEFINED:
            raise _Stop
        return value

    def _set(self, local: int, value: Any, name: str | None = None) -> None:
        self._values[local] = value
        if name is None:
            self._names.pop(local, None)
        else:
            self._names[local] = name

    def _statement(self, statement: Statement) -> None:
        fields = statement.fields
        match statement.kind:
            case "DotStmt":
                self._dot(fields)
            case "ScanStmt":
                self._scan(statement)
            case "CallStmt":
                self._call(fields)
            case "EqualStmt":
                self._demand(same(self._read(fields["a"]), self._read(fields["b"])))
            case "NotEqualStmt":
                self._demand(not same(self._read(fields["a"]), self._read(fields["b"])))
            case "AssignVarStmt":
                source = fields["source"]
                name = self._names.get(source["value"]) if source["type"] == "local" else None
                self._set(fields["target"], self._get(source), name)
            case "AssignVarOnceStmt":
                self._assign_once(fields)
            case "BlockStmt":
                self._alternatives(statement)
            case "NotStmt":
                self._not(statement)
            case "IsDefinedStmt":
                self._demand(self._values.get(fields["source"], UNDEFINED) is not UNDEFINED)
            case "IsUndefinedStmt":
                self._demand(self._values.get(fields["source"], UNDEFINED) is UNDEFINED)
            case "ResetLocalStmt":
                self._set(fields["target"], UNDEFINED)
            case "ReturnLocalStmt" | "NopStmt":
                pass
            case _:
                self._collection(statement.kind, fields)

    def _demand(self, holds: bool) -> None:
        if not holds:
            raise _Stop

    def _dot(self, fields: Mapping[str, Any]) -> None:
        key = self._get(fields["key"])
        source = fields["source"]
        value = look_up(self._get(source), key) if key is not UNDEFINED else UNDEFINED
        name = self._names.get(source["value"]) if source["type"] == "local" else None
        if name is not None:
            name = _child(name, key)
            self._note(name, value)
        self._set(fields["target"], value, name)
        self._demand(value is not UNDEFINED)

    def _scan(self, statement: Statement) -> None:
        fields = statement.fields
        source = self._values.get(fields["source"], UNDEFINED)
        name = self._names.get(fields["source"])
        found = entries(source)
        every = is_every(statement)
        if not found and not (every and is_collection(source)):
            if name is not None:
                self._note(name, source)
            raise _Stop
        place, reached, furthest = self._place, self._reached, self._furthest
        if every:
            self._every_cause = None
        for key, value in found:
            self._place, self._reached = place, reached
            self._set(fields["key"], key)
            self._set(fields["value"], value, None if name is None else _child(name, key))
            for block in statement.blocks:
                self._block(block)
        if every:
            self._place, self._reached, self._furthest = place, reached, furthest
            self._cause = self._every_cause

    def _call(self, fields: Mapping[str, Any]) -> None:
        name, operands = fields["func"], fields["args"]
        function = self._stepper.plan.functions.get(name)
        if function is None:
            arguments = [self._read(operand) for operand in operands]
            self._finish_call(fields, f"{name}(...)", self._builtin(name, arguments), told=name not in _SILENT)
            return
        given = []
        for operand in operands[2:]:
            value = self._get(operand)
            self._demand(value is not UNDEFINED)
            label = self._names.get(operand["value"]) if operand["type"] == "local" else None
            given.append((value, label or "the argument"))
        try:
            called = self._stepper.call(function, given)
        except PolicyRaisedError as error:
            raise PolicyRaisedError(str(error), self._failure()._replace(cause=error.failure)) from error
        self._cause = called.failure if called.value is UNDEFINED or called.value is False else None
        self._finish_call(fields, f"{function.path[-1]}{'(...)' if given else ''}", called.value, told=True)

    def _finish_call(self, fields: Mapping[str, Any], label: str, value: Any, *, told: bool) -> None:
        if told:
            self._note(label, value)
        self._set(fields["result"], value)
        self._demand(value is not UNDEFINED)

    def _builtin(self, name: str, arguments: list[Any]) -> Any:
        try:
            return call_builtin(name, arguments)
        except BuiltinError as error:
            self._raise(str(error))

    def _assign_once(self, fields: Mapping[str, Any]) -> None:
        value, before = self._get(fields["source"]), self._values.get(fields["target"], UNDEFINED)
        if value is UNDEFINED:
            raise _Stop
        if before is not UNDEFINED and not same(before, value):
            self._raise("complete rules must not produce multiple outputs")
        if value is False and fields["target"] == self._function.returns and not self._in_default:
            self._gave_false = self._gave_false or self._failure()
        self._set(fields["target"], value)

    def _alternatives(self, statement: Statement) -> None:
        # Each body tells its own lines; what comes after a comprehension goes on from here.
        place, reached, reads = self._place, self._reached, len(self._reads)
        furthest = self._furthest
        comprehension = statement.place is not None
        if comprehension:
            self._furthest = None
        for block in statement.blocks:
            self._place, self._reached = place, reached
            self._block(block)
        self._place, self._reached = place, reached
        if comprehension:
            inner = self._furthest
            if ends_in_flag(statement) and self._every_cause is None:
                self._every_cause = inner
            # That some elements do not fit is what a comprehension is for.
            self._furthest = furthest
            del self._reads[reads:]

    def _not(self, statement: Statement) -> None:
        place, reached, furthest = self._place, self._reached, self._furthest
        (block,) = statement.blocks
        held = self._block(block)
        self._place, self._reached, self._furthest, self._cause = place, reached, furthest, None
        self._demand(not held)

    def _collection(self, kind: str, fields: Mapping[str, Any]) -> None:
        match kind:
            case "MakeArrayStmt":
                self._set(fields["target"], [])
            case "MakeObjectStmt":
                self._set(fields["target"], {})
            case "MakeSetStmt":
                self._set(fields["target"], RegoSet())
            case "MakeNullStmt":
                self._set(fields["target"], None)
            case "MakeNumberIntStmt" | "AssignIntStmt":
                self._set(fields["target"], fields["value"])
            case "MakeNumberRefStmt":
                self._set(fields["target"], _number(self._stepper.plan.strings[fields["index"]]))
            case "ArrayAppendStmt":
                self._values[fields["array"]].append(self._read(fields["value"]))
            case "SetAddStmt":
                self._values[fields["set"]].add(self._read(fields["value"]))
            case "ObjectInsertStmt" | "ObjectInsertOnceStmt":
                self._insert(kind, fields)
            case "LenStmt":
                self._set(fields["target"], len(entries(self._read(fields["source"]))))
            case "IsArrayStmt":
                self._demand(isinstance(self._read(fields["source"]), list | tuple))
            case "IsObjectStmt":
                self._demand(isinstance(self._read(fields["source"]), Mapping))
            case "IsSetStmt":
                self._demand(isinstance(self._read(fields["source"]), RegoSet))
            case _:
                raise TooLongError(f"the plan holds {kind}, which cannot be told line by line")

    def _insert(self, kind: str, fields: Mapping[str, Any]) -> None:
        key, value = freeze(self._read(fields["key"])), self._read(fields["value"])
        target = self._values[fields["object"]]
        if kind == "ObjectInsertOnceStmt" and key in target and not same(target[key], value):
            self._raise("object keys must be unique")
        target[key] = value


def _child(name: str, key: Any) -> str:
    return f"{name}.{key}" if isinstance(key, str) and key.isidentifier() else f"{name}[{key!r}]"


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
