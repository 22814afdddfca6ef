"""How many of a thing are spoken of: counts with their noun, names without a shared action, sentences said once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kubernaut.conditions.configmaps import CANDIDATE_SUFFIX
from kubernaut.identity import ConditionId

NAMED_AT_MOST = 4
"""Conditions that a note names; where it is about more, it names those that it is not about, if they are fewer."""


def how_many(number: int, one: str, many: str = "") -> str:
    """Say a count with its noun: ``1 incident``, ``1,204 incidents``.

    Parameters
    ----------
    one, many : str
        The noun for one, and for any other number; empty adds an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def shown_name(condition: ConditionId | str, *, candidate: bool) -> str:
    """Give a condition's name in a table; its challenger's is marked as in a ConfigMap."""
    return f"{condition}{CANDIDATE_SUFFIX}" if candidate else str(condition)


def short_names(conditions: Iterable[str]) -> Mapping[str, str]:
    """Give each condition's name without its action, where all conditions are of one action."""
    names = list(dict.fromkeys(conditions))
    actions = {name.split("/", 1)[0] for name in names}
    if len(actions) != 1:
        return {name: name for name in names}
    return {name: name.split("/", 1)[-1] for name in names}


def grouped(said: Iterable[tuple[str, str]], *, conditions: Sequence[str]) -> list[str]:
    """Say what is said of several conditions once.

    Parameters
    ----------
    said : iterable of (condition, sentence)
    conditions : sequence of str
        Every condition that the result is about.

    Returns
    -------
    list of str
        In the order in which the sentences first came.
    """
    names = short_names(conditions)
    of_sentence: dict[str, list[str]] = {}
    for condition, sentence in said:
        of_sentence.setdefault(sentence, []).append(condition)
    notes = []
    for sentence, concerned in of_sentence.items():
        others = [short for name, short in names.items() if name not in concerned]
        if len(concerned) > 1 and not others:
            who = f"all {len(concerned)} conditions"
        elif len(concerned) > NAMED_AT_MOST >= len(others):
            who = f"all conditions but {', '.join(others)}"
        else:
            who = ", ".join(names.get(name, name) for name in concerned)
        notes.append(f"{who}: {sentence}")
    return notes
