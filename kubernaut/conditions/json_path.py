"""The JSONPath of custom facts: fields, ``[n]``, ``[*]`` and ``['key']``.

What `kubernaut.conditions.custom_facts` lets through, and a small subset on purpose: no filter and no descent, so that
a path costs no more than the object is deep.
"""

import re
from collections.abc import Mapping, Sequence

from kubernaut.json_types import JsonValue

_STEP = re.compile(
    r"""\.(?P<field>[A-Za-z_][\w-]*)|\[(?P<index>\d+)\]|(?P<all>\[\*\])|\['(?P<key>[^'\\]+)'\]""", re.ASCII
)


def value_at(path: str, document: JsonValue) -> JsonValue:
    """Give what a path leads to; null where it leads nowhere.

    Parameters
    ----------
    path : str
        As in facts.yaml, with or without braces.
    document : JsonValue

    Returns
    -------
    JsonValue
        With ``[*]`` a list of what is found below each element, in order; elements without it are left out.
    """
    inner = path[1:-1] if path.startswith("{") else path
    found: list[JsonValue] = [document]
    many = False
    for step in _STEP.finditer(inner):
        if step["all"]:
            if not many and not any(isinstance(one, list | dict) for one in found):
                return None
            many = True
            found = [below for one in found for below in _elements(one)]
        else:
            found = [below for one in found for below in _below(one, step)]
    if many:
        return found
    return found[0] if found else None


def _elements(value: JsonValue) -> Sequence[JsonValue]:
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value)]
    return value if isinstance(value, list) else []


def _below(value: JsonValue, step: re.Match[str]) -> Sequence[JsonValue]:
    if step["index"] is not None:
        index = int(step["index"])
        return [value[index]] if isinstance(value, list) and index < len(value) else []
    key = step["field"] or step["key"]
    return [value[key]] if isinstance(value, Mapping) and key in value else []
