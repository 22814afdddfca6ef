"""What a plan reveals that OPA would refuse and regopy does not: calls, recursion, unsafe variables, no such document.

Each finding is a `PolicyError` with its place; the caller raises the first or lists them all.
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from kubernaut.errors import Place, PolicyError
from kubernaut.policy import allowed_builtins
from kubernaut.policy.plan import DATA, Block, Function, Plan, Statement, first_place, walk

_TARGETS = ("target", "result")
_SINGLE_SOURCES = ("source",)


def check_calls(plan: Plan, *, is_builtin: Callable[[str], bool]) -> Iterator[PolicyError]:
    """Find calls of functions that do not exist, are not allowed, or are given the wrong number of arguments."""
    defined = {short_name(name): function for name, function in plan.functions.items()}
    said: set[str] = set()
    for name, calls in plan.calls.items():
        for callee, statement in calls:
            place = statement.place or first_place(plan.functions[name])
            function = plan.functions.get(callee)
            if function is not None:
                yield from _wrong_count(callee, len(function.params), len(statement.fields["args"]), place)
                continue
            if callee in said:
                continue
            text = _missing_reference(callee, defined) or allowed_builtins.refusal(
                callee, available=is_builtin(callee), defined=[one.rpartition(".")[2] for one in defined]
            )
            if text is not None:
                said.add(callee)
                yield PolicyError(text, place=place)
                continue
            wanted = plan.declared_builtins.get(callee)
            if wanted is not None and wanted != len(statement.fields["args"]):
                yield PolicyError(
                    f"`{callee}` takes {wanted} arguments, {len(statement.fields['args'])} are given", place=place
                )


def _wrong_count(callee: str, wanted: int, given: int, place: Place | None) -> Iterator[PolicyError]:
    # The first two are input and data, on both sides.
    if wanted != given:
        yield PolicyError(f"`{short_name(callee)}` takes {wanted - 2} arguments, {given - 2} are given", place=place)


def _missing_reference(callee: str, defined: Mapping[str, Function]) -> str | None:
    if not callee.startswith("data."):
        return None
    wanted = callee.removeprefix("data.")
    close = get_close_matches(wanted, defined, n=1, cutoff=0.6)
    hint = f"; did you mean `data.{close[0]}`?" if close else "; is its library there?"
    return f"`{callee}` is not defined{hint}"


def check_recursion(plan: Plan) -> Iterator[PolicyError]:
    """Find a rule that calls itself, directly or not."""
    done: set[str] = set()
    for start in plan.functions:
        if start in done:
            continue
        path: list[str] = [start]
        iterators = [iter(plan.calls[start])]
        while iterators:
            callee, statement = next(iterators[-1], (None, None))
            if callee is None or statement is None:
                iterators.pop()
                done.add(path.pop())
            elif callee in path:
                names = [short_name(one).rpartition(".")[2] for one in [*path[path.index(callee) :], callee]]
                yield PolicyError(
                    f"rules must not call themselves: {' -> '.join(names)}",
                    place=statement.place or first_place(plan.functions[path[-1]]),
                )
                return
            elif callee in plan.functions and callee not in done:
                path.append(callee)
                iterators.append(iter(plan.calls[callee]))


def check_data(plan: Plan) -> Iterator[PolicyError]:
    """Find references to documents under `data` that do not exist; only the policy's own rules and libraries do."""
    for function in plan.functions.values():
        for statement in walk(function.blocks):
            place = statement.place or first_place(function)
            if statement.kind == "CallDynamicStmt":
                yield PolicyError(
                    "a rule is referred to by a computed name; name the rule, or put its values into an object",
                    place=place,
                )
            elif DATA in _used(statement) and statement.kind != "CallStmt":
                yield PolicyError(
                    "`data` holds nothing but this policy's rules and `data.lib.*`; there is no other document",
                    place=place,
                )
            elif statement.kind == "CallStmt" and _hands_data_on(plan, statement):
                yield PolicyError("`data` cannot be handed to a function", place=place)


def _hands_data_on(plan: Plan, statement: Statement) -> bool:
    arguments = statement.fields["args"]
    own = arguments[2:] if statement.fields["func"] in plan.functions else arguments
    return statement.fields["func"] in plan.functions and {"type": "local", "value": DATA} in own


def check_safety(plan: Plan) -> Iterator[PolicyError]:
    """Find variables that are used without ever getting a value; OPA calls them unsafe, regopy gives undefined."""
    for function in plan.functions.values():
        assigned = set(function.params)
        for block in function.blocks:
            problem = _first_unsafe(block, assigned)
            if problem is not None:
                yield PolicyError(
                    "a variable here never gets a value (it is unsafe); assign it with `:=` or iterate with "
                    "`some ... in`",
                    place=problem.place or first_place(function),
                )
                break


def _first_unsafe(block: Block, assigned: set[int]) -> Statement | None:
    for statement in block:
        if any(local not in assigned for local in _used(statement)):
            return statement
        inner = set(assigned)
        if statement.kind == "ScanStmt":
            inner |= {statement.fields["key"], statement.fields["value"]}
        for nested in statement.blocks:
            # The bodies of an else-chain share the local that says whether one has held, nothing else.
            problem = _first_unsafe(nested, own := set(inner))
            if problem is not None:
                return problem
            inner |= {local for local in own if local in _flags(nested)}
        assigned |= _assigned(statement)
        if statement.kind == "WithStmt":
            assigned |= inner
    return None


def _flags(block: Block) -> set[int]:
    return {one.fields["target"] for one in block if one.kind in ("ResetLocalStmt", "AssignVarOnceStmt")}


def _assigned(statement: Statement) -> set[int]:
    return {value for name in _TARGETS if isinstance(value := statement.fields.get(name), int)}


def _used(statement: Statement) -> Iterator[int]:
    for name, operand in statement.fields.items():
        if isinstance(operand, dict):
            yield from _local(operand)
        elif isinstance(operand, list):
            for one in operand:
                if isinstance(one, dict):
                    yield from _local(one)
        elif name in _SINGLE_SOURCES and isinstance(operand, int):
            yield operand


def _local(operand: Mapping[str, Any]) -> Iterator[int]:
    if operand.get("type") == "local":
        yield operand["value"]


def short_name(function: str) -> str:
    """Turn ``g0.data.lib.pods.ready`` into ``lib.pods.ready``."""
    return function.removeprefix("g0.data.")
