"""Builtins that regopy gets wrong, replaced inside the plan by functions written in Rego.

regopy compares values of different types, and sorts numbers, by their JSON text: `null >= 3` is true and
`max([2000, 405])` is 405. `sum` and `product` of anything but numbers give `false`, or a value of no type, instead of
an error. A missing number must never pass a threshold, so a policy that calls one of these is compiled together with
the module below, the calls in its plan are pointed to that module's functions, and the plan is loaded again. The
policy's own text, places and digest stay as they are.

OPA's order is null < false < true < numbers < strings < arrays < objects < sets. Two arrays, or two objects, are
not ordered here, and only strings are sorted: the rest is undefined and fails closed
(docs/policies/differences-from-opa.md).
Importable by the worker program: the standard library and regopy only.
"""

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kubernaut.policy.rego_answers import RULES
from kubernaut.policy.rego_engine import BuiltPolicy, build, build_entrypoints, entrypoints, load_plan, read_plan

PACKAGE = "system.kubernaut"
"""No policy can have this package: `system` is refused at load."""

FILE = "system.kubernaut.rego"

CORRECTED: Mapping[str, str] = {
    "lt": "less",
    "lte": "less_or_equal",
    "gt": "greater",
    "gte": "greater_or_equal",
    "max": "largest",
    "min": "smallest",
    "sort": "sorted",
    "sum": "total",
    "product": "multiplied",
}
"""Builtin -> function of the module below."""

SOURCE = """package system.kubernaut

import rego.v1

rank(value) := 3 if is_number(value)

else := 4 if is_string(value)

else := 0 if is_null(value)

else := 1 if value == false

else := 2 if value == true

else := 5 if is_array(value)

else := 6 if is_object(value)

else := 7 if is_set(value)

less(a, b) := a < b if {
	is_number(a)
	is_number(b)
}

else := order(a, b) < 0

less_or_equal(a, b) := a <= b if {
	is_number(a)
	is_number(b)
}

else := order(a, b) <= 0

greater(a, b) := a > b if {
	is_number(a)
	is_number(b)
}

else := order(a, b) > 0

greater_or_equal(a, b) := a >= b if {
	is_number(a)
	is_number(b)
}

else := order(a, b) >= 0

# Negative, zero or positive. A text that another one begins with comes first: by their JSON it would depend on
# whether what follows is above the closing quote.
order(a, b) := 0 if a == b

else := rank(a) - rank(b) if rank(a) != rank(b)

else := -1 if {
	is_string(a)
	startswith(b, a)
}

else := 1 if {
	is_string(a)
	startswith(a, b)
}

else := -1 if {
	rank(a) < 5
	a < b
}

else := 1 if rank(a) < 5

# Texts are in the right order already; the rest is compared pair by pair.
all_texts(values) if {
	every value in values {
		is_string(value)
	}
}

all_numbers(values) if {
	every value in values {
		is_number(value)
	}
}

largest(values) := max(values) if all_texts(values)

else := found if {
	all_numbers(values)
	some found in values
	every value in values {
		found >= value
	}
} else := found if {
	some found in values
	every value in values {
		greater_or_equal(found, value)
	}
}

smallest(values) := min(values) if all_texts(values)

else := found if {
	all_numbers(values)
	some found in values
	every value in values {
		found <= value
	}
} else := found if {
	some found in values
	every value in values {
		less_or_equal(found, value)
	}
}

sorted(values) := sort(values) if all_texts(values)

# The addition raises the error that the sum of such values should have raised.
total(values) := bad + 0 if {
	some bad in values
	not is_number(bad)
}

else := sum(values)

multiplied(values) := bad + 0 if {
	some bad in values
	not is_number(bad)
}

else := product(values)

all contains 1 if less(1, 2)

all contains 2 if less_or_equal(1, 2)

all contains 3 if greater(1, 2)

all contains 4 if greater_or_equal(1, 2)

all contains 5 if largest([1])

all contains 6 if smallest([1])

all contains 7 if sorted([])

all contains 8 if total([])

all contains 9 if multiplied([])
"""


def build_for_judging(
    package: str,
    modules: Mapping[str, str],
    *,
    rules: Sequence[str] = RULES,
    builtins: Collection[str] | None = None,
) -> BuiltPolicy:
    """Compile modules for some rules of a package, with corrected builtins where they call any.

    Parameters
    ----------
    builtins : collection of str or None
        What they call, where that is known already; None finds it out, by compiling once more.

    Raises
    ------
    BuildError
        A module does not parse.
    """
    if builtins is None:
        builtins = {call["func"] for call in calls_in(read_plan(build(package, modules, rules=rules)))}
    if CORRECTED.keys().isdisjoint(builtins):
        return build(package, modules, rules=rules)
    with tempfile.TemporaryDirectory(prefix="kubernaut-plan-") as folder:
        _save_corrected(folder, package, modules, rules)
        return load_plan(folder)


def _save_corrected(folder: str, package: str, modules: Mapping[str, str], rules: Sequence[str]) -> None:
    wanted = [*entrypoints(package, rules), *entrypoints(PACKAGE, ["all"])]
    corrected = build_entrypoints({**modules, FILE: SOURCE}, wanted)
    corrected.interpreter.save_bundle(folder, corrected.bundle)
    path = Path(folder) / "plan.json"
    plan = json.loads(path.read_bytes())
    _redirect(plan)
    _prune(plan, entrypoints(package, rules))
    path.write_text(json.dumps(plan, separators=(",", ":")), encoding="utf-8")


def _redirect(plan: dict[str, Any]) -> None:
    prefix = f"g0.data.{PACKAGE}."
    for function in plan["funcs"]["funcs"]:
        if function["name"].startswith(prefix):
            continue
        for call in calls_in(function):
            if call["func"] in CORRECTED:
                call["func"] = prefix + CORRECTED[call["func"]]
                # A planned function takes `input` and `data` before its own arguments.
                documents = [{"type": "local", "value": 0}, {"type": "local", "value": 1}]
                call["args"] = [*documents, *call["args"]]


def _prune(plan: dict[str, Any], wanted: Collection[str]) -> None:
    """Leave out what nobody calls any more: most of the module below is not needed by any one policy."""
    plan["plans"]["plans"] = [one for one in plan["plans"]["plans"] if one["name"] in wanted]
    functions = {function["name"]: function for function in plan["funcs"]["funcs"]}
    reached: set[str] = set()
    waiting = [call["func"] for call in calls_in(plan["plans"])]
    while waiting:
        name = waiting.pop()
        if name in functions and name not in reached:
            reached.add(name)
            waiting += [call["func"] for call in calls_in(functions[name])]
    plan["funcs"]["funcs"] = [function for name, function in functions.items() if name in reached]


def calls_in(node: Any) -> Iterator[dict[str, Any]]:
    """Give every call statement of a plan, or of a part of one."""
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            if one.get("type") == "CallStmt":
                yield one["stmt"]
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
