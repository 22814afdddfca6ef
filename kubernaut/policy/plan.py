"""A typed reading of `plan.json`, OPA's intermediate representation (https://www.openpolicyagent.org/docs/ir).

Functions, their blocks of statements, where each statement stands in the source, and who calls whom. What a policy
reads is worked out from this in `reads`, what does not hold in `tracing`; this module only turns JSON into values.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from kubernaut.errors import Place

INPUT, DATA = 0, 1
"""The two locals that every function is given first."""


class Statement(NamedTuple):
    """One instruction.

    Attributes
    ----------
    kind : str
        ``DotStmt``, ``CallStmt``, ...
    fields : mapping
        Its operands as the plan has them.
    place : Place or None
        Where it comes from; None for glue of the compiler.
    blocks : tuple of blocks
        Nested blocks, each a tuple of statements.
    """

    kind: str
    fields: Mapping[str, Any]
    place: Place | None
    blocks: "tuple[tuple[Statement, ...], ...]"


Block = tuple[Statement, ...]


class Function(NamedTuple):
    """One rule or function of a module.

    Attributes
    ----------
    name : str
        ``g0.data.<package>.<rule>``.
    path : tuple of str
        ``("<package part>", ..., "<rule>")``.
    params : tuple of int
        Locals of the arguments; the first two are input and data.
    returns : int
        Local of the result.
    blocks : tuple of blocks
    """

    name: str
    path: tuple[str, ...]
    params: tuple[int, ...]
    returns: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Plan:
    """A compiled module.

    Attributes
    ----------
    strings : tuple of str
        Constants, as plain text.
    functions : mapping of str to Function
    declared_builtins : mapping of str to int
        Builtin -> number of arguments, as the compiler declares them.
    """

    strings: tuple[str, ...]
    functions: Mapping[str, Function]
    declared_builtins: Mapping[str, int]

    def find(self, package: str, rule: str) -> Function | None:
        """Give a rule of a package, or None when it is not defined."""
        return self.functions.get(f"g0.data.{package}.{rule}")

    @cached_property
    def calls(self) -> Mapping[str, tuple[tuple[str, Statement], ...]]:
        """Function -> (callee, the calling statement), in order."""
        return {
            name: tuple(
                (statement.fields["func"], statement)
                for statement in walk(function.blocks)
                if statement.kind == "CallStmt"
            )
            for name, function in self.functions.items()
        }

    def reachable(self, roots: Sequence[str]) -> tuple[str, ...]:
        """Give the functions that `roots` call, directly or not, `roots` included, in order of discovery."""
        seen: dict[str, None] = {}
        waiting = [name for name in roots if name in self.functions]
        while waiting:
            name = waiting.pop(0)
            if name not in seen:
                seen[name] = None
                waiting.extend(callee for callee, _ in self.calls[name] if callee in self.functions)
        return tuple(seen)


def walk(blocks: Sequence[Block]) -> Iterator[Statement]:
    """Give every statement, outer ones before inner ones."""
    for block in blocks:
        for statement in block:
            yield statement
            yield from walk(statement.blocks)


def first_place(function: Function) -> Place | None:
    """Give the place of the first statement that has one."""
    return next((one.place for one in walk(function.blocks) if one.place is not None), None)


def parse_plan(document: Mapping[str, Any], *, files: Sequence[str] | None = None) -> Plan:
    """Read `plan.json`.

    Parameters
    ----------
    document : mapping
    files : sequence of str, optional
        Names to show instead of the plan's own.
    """
    static = document["static"]
    names = list(files) if files is not None else [entry["value"] for entry in static.get("files", ())]
    functions = [_function(body, names) for body in document["funcs"]["funcs"]]
    return Plan(
        strings=tuple(_plain_string(entry["value"]) for entry in static.get("strings", ())),
        functions={function.name: function for function in functions},
        declared_builtins={
            entry["name"]: len(entry["decl"].get("args", ())) for entry in static.get("builtin_funcs", ())
        },
    )


def _plain_string(written: str) -> str:
    # regopy quotes the strings of a policy, leaves keys of references and raw strings bare, and escapes both.
    quoted = written if len(written) > 1 and written[0] == written[-1] == '"' else f'"{written}"'
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        return written


def _function(body: Mapping[str, Any], files: Sequence[str]) -> Function:
    return Function(
        name=body["name"],
        path=tuple(body.get("path", ())[1:]),
        params=tuple(body["params"]),
        returns=body["return"],
        blocks=tuple(_block(block, files) for block in body["blocks"]),
    )


def _block(block: Mapping[str, Any], files: Sequence[str]) -> Block:
    return tuple(_statement(statement, files) for statement in block["stmts"])


def _statement(entry: Mapping[str, Any], files: Sequence[str]) -> Statement:
    fields = dict(entry["stmt"])
    row, column, file = fields.pop("row", None), fields.pop("col", None), fields.pop("file", None)
    nested = fields.pop("blocks", None)
    if nested is None:
        block = fields.pop("block", None)
        nested = [] if block is None else [block]
    # Rows and columns of the plan start at 0, people's at 1.
    place = None
    if row is not None and file is not None and file < len(files):
        place = Place(file=files[file], line=row + 1, column=column + 1)
    return Statement(kind=entry["type"], fields=fields, place=place, blocks=tuple(_block(one, files) for one in nested))
