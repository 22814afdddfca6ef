"""Which builtins a policy may call: an allow-list of pure functions.

Nothing on it reaches the network, the clock, the environment, randomness or the terminal, so that the same input gives
the same verdict today, tomorrow and in replay.
"""

from collections.abc import Iterable
from difflib import get_close_matches

_OPERATORS = "and assign div eq equal gt gte internal.member_2 internal.member_3 lt lte minus mul neq or plus rem"
_NUMBERS = (
    "abs bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor ceil floor numbers.range numbers.range_step round"
)
_AGGREGATES = "count max min product sort sum"
_COLLECTIONS = (
    "array.concat array.reverse array.slice intersection json.filter json.patch json.remove object.filter "
    "object.get object.keys object.remove union walk graph.reachable graph.reachable_paths"
)
_STRINGS = (
    "concat contains endswith format_int glob.match indexof indexof_n lower regex.find_all_string_submatch_n "
    "regex.find_n regex.is_valid regex.match regex.replace replace split sprintf startswith strings.any_prefix_match "
    "strings.any_suffix_match strings.count strings.render_template strings.replace_n strings.reverse substring trim "
    "trim_left trim_prefix trim_right trim_space trim_suffix upper"
)
_TYPES = "is_array is_boolean is_null is_number is_object is_set is_string type_name to_number"
_TEXT_FORMS = (
    "base64.decode base64.encode base64.is_valid hex.decode hex.encode json.is_valid json.unmarshal "
    "semver.compare semver.is_valid units.parse units.parse_bytes "
    "time.parse_duration_ns time.parse_rfc3339_ns"
)

ALLOWED = frozenset(
    name
    for group in (_OPERATORS, _NUMBERS, _AGGREGATES, _COLLECTIONS, _STRINGS, _TYPES, _TEXT_FORMS)
    for name in group.split()
)
"""Names of all builtins that a policy may call."""

_WHY_NOT = {
    "object.subset": "it can end the evaluator's process",
    "object.union": "nested objects are replaced here, not merged as in OPA; write the object out",
    "object.union_n": "nested objects are replaced here, not merged as in OPA; write the object out",
    "regex.split": "an empty pattern makes it take all memory; use `split`",
    "http.send": "it reaches the network",
    "net.lookup_ip_addr": "it reaches the network",
    "providers.aws.sign_req": "it signs requests",
    "time.now_ns": "it reads the clock; time is never a fact, use `timeout` and `holdFor` of the condition",
    "opa.runtime": "it reads the environment",
    "rand.intn": "it is random, so replay would differ",
    "uuid.rfc4122": "it is random, so replay would differ",
    "print": "it prints to the terminal; put values into `error_message`",
    "internal.print": "it prints to the terminal; put values into `error_message`",
    "internal.template_string": "write it with `sprintf`",
    "json.marshal": "it fails on lists that were handed over quickly; use `sprintf` with `%v`",
    "trace": "it writes a trace; `explain` shows the line that did not hold",
}


def refusal(name: str, *, available: bool, defined: Iterable[str]) -> str | None:
    """Say why a call of `name` is refused, or None when it is allowed.

    Parameters
    ----------
    name : str
        As called; not a function of the policy or its libraries.
    available : bool
        Whether the evaluator has a builtin of that name.
    defined : iterable of str
        Functions that the policy and its libraries define, for a suggestion.
    """
    if name in ALLOWED and available:
        return None
    if name in _WHY_NOT:
        return f"the builtin `{name}` is not allowed: {_WHY_NOT[name]}"
    if name in ALLOWED:
        return f"the builtin `{name}` is not available in this evaluator"
    if available:
        return f"the builtin `{name}` is not allowed in a policy"
    close = get_close_matches(name, [*defined, *ALLOWED], n=1, cutoff=0.6)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    return f"unknown function or builtin `{name}`{hint}"
