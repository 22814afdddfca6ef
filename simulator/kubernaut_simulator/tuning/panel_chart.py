"""The suites of a board as a small SVG, for a panel that redraws at every move of a slider.

A page's static chart (`results/pictures`) takes longer to lay out than the whole answer takes to compute. This one is
points in a fixed frame: no layout, text and lines in the colour of the page, and the name of a suite under the pointer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from kubernaut_simulator.tuning.board import BoardAnswer

WIDTH, HEIGHT = 460, 330
LEFT, TOP, RIGHT, BOTTOM = 52, 26, 24, 46
TICKS_AT = 0.04
"""The axis ends at a multiple of it, so that its quarters are whole percents."""

_SUITE, _OWN, _CEILING = "#0072B2", "#D55E00", "#7F7F7F"
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def chart_of(answer: BoardAnswer) -> str:
    """Draw good against harmful incidents stopped, the ceiling, and where the required conditions are."""
    n_good, n_bad = (max(1, n) for n in answer.searched)
    own = answer.suite
    most = max([own.good_stopped, answer.front.allowed, *(one.good_stopped for one in answer.front.suites)]) / n_good
    right = min(1.0, math.ceil(1.1 * max(most, 0.02) / TICKS_AT) * TICKS_AT)

    def place(good: float, harmful: float) -> tuple[float, float]:
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, good / n_good / right),
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * harmful / n_bad,
        )

    parts = [*_axes(right, answer.searched)]
    if answer.front.allowed >= 0:
        x, _ = place(answer.front.allowed, 0)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{_CEILING}" '
            'stroke-dasharray="5 4"/>'
            f'<text x="{x - 5:.1f}" y="{TOP - 8}" text-anchor="end">upper 95 % at {answer.tuning.target:.0%}</text>'
        )
    for one in answer.front.suites:
        x, y = place(one.good_stopped, one.harmful_stopped)
        said = f"{one.good_stopped}/{n_good} good, {one.harmful_stopped}/{n_bad} harmful, {one.waiting_s:.1f} s waited"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_SUITE}"><title>{said}</title></circle>')
    x, y = place(own.good_stopped, own.harmful_stopped)
    parts.append(
        f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" transform="rotate(45 {x:.1f} {y:.1f})" '
        f'fill="{_OWN}"><title>the required conditions</title></rect>'
    )
    label = escape(f"{answer.title}: {own.good_stopped}/{n_good} good, {own.harmful_stopped}/{n_bad} harmful stopped")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" fill="currentColor" font-family="system-ui, sans-serif" font-size="12">'
        f"<title>{label}</title>{''.join(parts)}</svg>"
    )


def _axes(right: float, searched: tuple[int, int]) -> Iterator[str]:
    bottom = HEIGHT - BOTTOM
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="currentColor"/>'
    for share in _QUARTERS:
        x, y = LEFT + (WIDTH - LEFT - RIGHT) * share, bottom - (bottom - TOP) * share
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{share * right:.0%}</text>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield (
        f'<text x="{middle:.0f}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"good incidents stopped (of {searched[0]})</text>"
    )
    yield (
        f'<text x="{-(TOP + bottom) / 2:.0f}" y="12" text-anchor="middle" transform="rotate(-90)">'
        f"harmful incidents stopped (of {searched[1]})</text>"
    )
