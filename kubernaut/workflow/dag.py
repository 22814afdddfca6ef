"""The order of a workflow's steps: which need which, what is wrong with it, what may begin.

A graph of step numbers and nothing else; what a step is doing is told from outside.
"""

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

Graph = Mapping[int, Collection[int]]
"""By step number, the steps that come first."""


def problems(graph: Graph) -> tuple[str, ...]:
    """Say everything that keeps the steps from having an order.

    Returns
    -------
    tuple of str
        Empty when they have one. Unknown steps come before cycles: a cycle is looked for among known steps.
    """
    unknown = [
        f"step {number} depends on step {needed}, and there is none of that number"
        for number in sorted(graph)
        for needed in sorted(set(graph[number]) - set(graph))
    ]
    if unknown:
        return tuple(unknown)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        way = " -> ".join(str(number) for number in reversed(error.args[1]))
        return (f"the steps wait for one another: {way}",)
    return ()


def startable(graph: Graph, *, begun: Collection[int], verified: Collection[int]) -> tuple[int, ...]:
    """Give the steps that may begin: not begun, and everything they depend on is verified; by number."""
    return tuple(
        number
        for number in sorted(graph)
        if number not in begun and all(needed in verified for needed in graph[number])
    )


def withheld(graph: Graph, *, lost: Iterable[int]) -> frozenset[int]:
    """Give the steps that cannot begin any more because something they depend on, near or far, is lost."""
    found = set(lost)
    changed = True
    while changed:
        more = {number for number in graph if number not in found and found & set(graph[number])}
        found |= more
        changed = bool(more)
    return frozenset(found) - frozenset(lost)
