"""The board as a panel in a notebook: two sliders, a tick for each condition, and the answer beside them.

Only this module knows ipywidgets, which comes with the extra `notebooks`. It moves values between the controls and the
board, and shows what the board says; a browser adds nothing, so a test can move the sliders as a person does.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import ipywidgets as widgets

from kubernaut.errors import OutputError
from kubernaut_simulator.results.wording import short_names
from kubernaut_simulator.tuning.board import BoardAnswer, TuningBoard
from kubernaut_simulator.tuning.panel_chart import chart_of

SHARES = (0.80, 0.90, 0.95, 0.99)
TARGETS = tuple(round(0.01 * n, 2) for n in range(2, 31))


class TuningPanel(widgets.VBox):  # type: ignore[misc] # ipywidgets ships no types
    """The panel.

    Parameters
    ----------
    board : TuningBoard
    target, share : float
        Where the sliders stand at first; of the values offered.
    targets, shares : sequence of float
        Offered.

    Attributes
    ----------
    answer : BoardAnswer
        What is shown; its `tuning` is exported.
    seconds : float
        What the last move took, until everything had been handed to the browser.
    """

    def __init__(
        self,
        board: TuningBoard,
        *,
        target: float = 0.15,
        share: float = 0.95,
        targets: Sequence[float] = TARGETS,
        shares: Sequence[float] = SHARES,
    ) -> None:
        for what, value, offered in (("target", target, targets), ("share", share, shares)):
            if value not in offered:
                raise OutputError(f"{what} {value:g} is none of those offered: {', '.join(map(str, offered))}")
        self._board = board.prepared(*shares)
        self.target = _slider("target", "false stops", targets, target)
        self.share = _slider("share", "runs in time", shares, share)
        self.by_test = widgets.Button(description="As the test says", tooltip="Set every flag by the test")
        first = board.answer(target=target, share=share)
        names = [str(one.condition) for one in first.tuning.decisions]
        self.flags = {
            name: widgets.Checkbox(description=short, indent=False, layout=widgets.Layout(width="24em", margin="0"))
            for name, short in short_names(names).items()
        }
        self.shown = widgets.HTML()
        self.picture = widgets.HTML()
        self._busy = False
        self.seconds = 0.0
        for slider in (self.target, self.share):
            slider.observe(lambda _: self._ask(by_test=True), "value")
        for flag in self.flags.values():
            flag.observe(lambda _: self._ask(by_test=False), "value")
        self.by_test.on_click(lambda _: self._ask(by_test=True))
        controls = widgets.VBox([self.target, self.share, self.by_test, *self.flags.values()])
        super().__init__([widgets.HBox([controls, self.picture]), self.shown])
        self._ask(by_test=True)

    def __repr__(self) -> str:
        return f"<TuningPanel: target {self.target.value:.0%}, share {self.share.value:.0%}, {self.answer.title}>"

    def _ask(self, *, by_test: bool) -> None:
        """Answer what the controls ask; a slider sets the flags anew, since the test has changed its mind."""
        if self._busy:
            return
        began = perf_counter()
        required = None if by_test else [name for name, flag in self.flags.items() if flag.value]
        self.answer: BoardAnswer = self._board.answer(
            target=self.target.value, share=self.share.value, required=required
        )
        self._busy = True
        try:
            for name, flag in self.flags.items():
                flag.value = name in self.answer.required
        finally:
            self._busy = False
        self.shown.value = self.answer._repr_html_()
        self.picture.value = chart_of(self.answer)
        self.seconds = perf_counter() - began


def _slider(name: str, text: str, offered: Sequence[float], value: float) -> Any:
    return widgets.SelectionSlider(
        options=[(f"{one:.0%}", one) for one in offered],
        value=value,
        description=f"{name} ({text})",
        style={"description_width": "13em"},
        layout=widgets.Layout(width="29em"),
        continuous_update=True,
    )
