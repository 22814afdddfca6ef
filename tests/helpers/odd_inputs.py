"""Inputs as nobody would send them: missing fields, wrong types, extreme numbers, odd strings."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from kubernaut.facts.snapshot import ANY, ReadPath

EXTREME_NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    10,
    100,
    0.5,
    0.1,
    2.5,
    -0.25,
    1e-9,
    1e21,
    2**31,
    2**53 - 1,
    2**53,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**63 + 1,
    -(2**63),
    -(2**63) - 1,
    10**30,
)

ODD_STRINGS = (
    "",
    " ",
    "a",
    "web-1",
    "10",
    "9",
    "250m",
    "1Gi",
    "true",
    "null",
    'say "hi"',
    "two\nlines",
    "a\ttab",
    "back\\slash",
    "ü",
    "日本",
    "😀",
    "%d %s",
    "{}",
    "CrashLoopBackOff",
)

scalars: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(EXTREME_NUMBERS), st.sampled_from(ODD_STRINGS), st.booleans(), st.none(), st.integers(0, 6)
)
"""Any JSON value that is neither a list nor an object."""

values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("a", "b", "name")), inner, max_size=3),
    max_leaves=6,
)
"""Any small JSON value."""


def documents(reads: Sequence[ReadPath], likely: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Draw inputs with something, anything or nothing at each path that a policy reads.

    Parameters
    ----------
    reads : sequence of ReadPath
    likely : dict of str to strategy
        By a path's last part: what a healthy input holds there.
    """
    if reads == [()]:
        return values
    heads: dict[str, list[ReadPath]] = {}
    for path in reads:
        heads.setdefault(path[0], []).append(path[1:])
    if set(heads) == {ANY}:
        return st.one_of(st.lists(documents(heads[ANY], likely), max_size=4), scalars)
    fields = {name: _field(name, below, likely) for name, below in heads.items()}
    return st.fixed_dictionaries({}, optional=fields)


def _field(name: str, below: Sequence[ReadPath], likely: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    deeper = [path for path in below if path]
    usual = documents(deeper, likely) if deeper else likely.get(name, st.integers(0, 6))
    # Mostly what belongs there, so that inputs get past a policy's first line.
    return st.one_of(usual, usual, usual, usual, values)
