"""Lines on a terminal: rich draws the tree, in colours where somebody sees them and as plain text anywhere else.

Off a terminal nothing is wrapped or cut, so that `grep` and files see whole lines. Texts come as rich's `Text` and
never as markup: what a policy says is not ours.
"""

import sys
from collections.abc import Iterable

from rich.console import Console, Group
from rich.text import Text
from rich.tree import Tree

from kubernaut_operator.people.tree import Line, Mark

UNCUT = 100_000
"""Columns off a terminal: whatever is printed fits."""

_GLYPHS = {
    Mark.GOOD: ("✔", "green"),
    Mark.BAD: ("✘", "bold red"),
    Mark.STOPPED: ("■", "bold yellow"),
    Mark.UNSURE: ("!", "yellow"),
    Mark.GOING: ("●", "cyan"),
    Mark.WAITING: ("○", "dim"),
    Mark.PASSED_OVER: ("–", "dim"),
}


def console() -> Console:
    """Give where results go: standard output; NO_COLOR is heeded."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=UNCUT, color_system=None, file=sys.stdout)


def drawn(lines: Iterable[Line]) -> Group:
    """Give trees, to be printed one below the other."""
    return Group(*map(_tree, lines))


def _tree(line: Line) -> Tree:
    tree = Tree(label(line), guide_style="dim")
    for one in line.below:
        _grow(tree, one)
    return tree


def _grow(tree: Tree, line: Line) -> None:
    branch = tree.add(label(line))
    for one in line.below:
        _grow(branch, one)


def label(line: Line) -> Text:
    """Give one line without those below it."""
    glyph, style = _GLYPHS[line.mark]
    text = Text.assemble((glyph, style), " ", (line.name, "bold" if line.below else ""))
    if line.word:
        text.append("  ")
        text.append(line.word, style)
    if line.notes:
        text.append(f" ({'; '.join(line.notes)})", "dim")
    if line.message:
        text.append(f"  {line.message}")
    return text
