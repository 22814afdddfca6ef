"""Label selectors and node selector terms, with Kubernetes' rules for labels that are not there."""

import re
from collections.abc import Mapping

from kubernaut.errors import FactsError
from kubernaut.facts.fields import Fields

_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)


def selector_matches(selector: Fields, labels: Mapping[str, str]) -> bool:
    """Say whether a label selector matches; an empty one matches everything.

    Raises
    ------
    FactsError
        It has an operator that Kubernetes does not know.
    """
    wanted = selector.labels("matchLabels")
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        expression_matches(expression, labels) for expression in selector.each("matchExpressions")
    )


def expression_matches(expression: Fields, labels: Mapping[str, str]) -> bool:
    """Say whether one requirement holds: In, NotIn, Exists, DoesNotExist, and for nodes Gt and Lt.

    Raises
    ------
    FactsError
        Its operator is none of these.
    """
    key, operator, values = expression.text("key"), expression.text("operator"), expression.texts("values")
    value = labels.get(key)
    match operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            bound = whole_number(values[0]) if len(values) == 1 else None
            number = whole_number(value)
            if number is None or bound is None:
                return False
            return number > bound if operator == "Gt" else number < bound
        case _:
            raise FactsError(f"{expression.path('operator')}: {operator!r} is no operator of a selector")


def whole_number(text: str | None) -> int | None:
    """Read a whole number as Go's `ParseInt` does in base 10; None when it is none of 64 bits."""
    if text is None or not _WHOLE.fullmatch(text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
