"""Following runs live: watches wake, whole runs are read anew, and whoever shows them is told.

What a watch says is not used, as in the kernel: a run is a workflow and its executions, and only a read gives them
together. On a terminal the tree is drawn over itself, elsewhere each line that changed is printed once.
"""

import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from time import sleep
from typing import Any

import structlog
from rich.console import Group
from rich.text import Text

from kubernaut.errors import BusyError, UnreachableError
from kubernaut.policy.wording import clean_message
from kubernaut_operator.execution.kinds import KUBERNETES_EXECUTIONS, WORKFLOW_EXECUTIONS
from kubernaut_operator.kernel.watching import Watcher
from kubernaut_operator.people.drawing import console, drawn, label
from kubernaut_operator.people.reaching import Place
from kubernaut_operator.people.runs import Run
from kubernaut_operator.people.tree import Line

TICK_S = 1.0
"""How often times that run are drawn anew, on a terminal."""

TOGETHER_S = 0.1
"""Changes that come so close together are read once."""

Read = Callable[[], Sequence[Run]]
Draw = Callable[[Run, datetime], Line]


def follow(place: Place, read: Read, draw: Draw, *, until_over: bool) -> Sequence[Run]:
    """Show runs until they are over, or for ever; give them as they were last.

    Parameters
    ----------
    read : callable
        Reads the runs.
    draw : callable
        Gives a run's tree at a time.
    until_over : bool
        End when all of them have their result.
    """
    screen = console()
    with _trouble() as trouble:
        changes = _changes(place, read, trouble, until_over=until_over, tick=screen.is_terminal)
        if screen.is_terminal:
            return _drawn_over(changes, draw, trouble)
        return _printed(changes, draw)


class Trouble:
    """What keeps a picture from being up to date; empty when nothing does."""

    def __init__(self) -> None:
        self.said = ""

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Take what the watches log, which would be written across the tree."""
        if "error" in event:
            self.said = clean_message(str(event["error"]))
        raise structlog.DropEvent


@contextmanager
def _trouble() -> Iterator[Trouble]:
    trouble, former = Trouble(), structlog.get_config()["processors"]
    structlog.configure(processors=[trouble])
    try:
        yield trouble
    finally:
        structlog.configure(processors=former)


def _drawn_over(changes: Iterator[Sequence[Run]], draw: Draw, trouble: Trouble) -> Sequence[Run]:
    from rich.live import Live  # noqa: PLC0415 - only a terminal needs it

    screen = console()
    runs: Sequence[Run] = ()
    try:
        with Live(console=screen, auto_refresh=False, transient=True) as live:
            for runs in changes:
                late = [Text(f"as it was last: {trouble.said}", "yellow")] if trouble.said else []
                live.update(Group(drawn(_lines(runs, draw)), *late), refresh=True)
    finally:
        # Live cuts what is higher than the terminal; what stays on it is whole.
        screen.print(drawn(_lines(runs, draw)))
    return runs


def _printed(changes: Iterator[Sequence[Run]], draw: Draw) -> Sequence[Run]:
    screen = console()
    runs: Sequence[Run] = ()
    told: dict[str, tuple[str, str]] = {}
    for runs in changes:
        now = datetime.now(UTC)
        for run in runs:
            for path, line in _walk(draw(run, now), str(run)):
                said = (line.word, line.message)
                if told.get(path) != said:
                    told[path] = said
                    screen.print(f"{now:%H:%M:%SZ}", label(line))
    return runs


def _walk(line: Line, path: str) -> Iterator[tuple[str, Line]]:
    yield path, line
    for at, one in enumerate(line.below):
        yield from _walk(one, f"{path}/{at}:{one.name}")


def _lines(runs: Sequence[Run], draw: Draw) -> list[Line]:
    now = datetime.now(UTC)
    return [draw(run, now) for run in runs]


def _changes(place: Place, read: Read, trouble: Trouble, *, until_over: bool, tick: bool) -> Iterator[Sequence[Run]]:
    """Give the runs now, whenever one may have changed, and on a terminal each second."""
    woken = threading.Event()
    watchers = [
        Watcher(place.api, kind, lambda _key: woken.set(), namespace=place.namespace, random=Random())  # noqa: S311 - spreads pauses
        for kind in (WORKFLOW_EXECUTIONS, KUBERNETES_EXECUTIONS)
    ]
    for watcher in watchers:
        watcher.start()
    try:
        runs = read()
        while True:
            yield runs
            if until_over and all(run.over for run in runs):
                return
            if woken.wait(TICK_S if tick else None):
                sleep(TOGETHER_S)
                woken.clear()
                try:
                    runs = read()
                    trouble.said = ""
                except (BusyError, UnreachableError) as error:
                    # The watch comes back by itself and wakes again.
                    trouble.said = clean_message(str(error))
    finally:
        for watcher in watchers:
            watcher.end()
