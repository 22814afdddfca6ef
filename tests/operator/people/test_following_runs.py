"""Following runs: drawn over on a terminal, each change a line elsewhere; trouble is told beside it."""

import io
from typing import ClassVar

import pytest
import structlog
from kubernaut_operator.people import following
from kubernaut_operator.people.following import follow
from kubernaut_operator.people.reaching import Place
from kubernaut_operator.people.runs import Run
from kubernaut_operator.people.tree import tree_of
from rich.console import Console

from kubernaut.errors import UnreachableError


class QuickWatcher:
    """Wakes at once and whenever it is told; the real one is tried against an API server."""

    made: ClassVar[list] = []

    def __init__(self, _api, _kind, wake, **_how):
        self.wake = wake
        self.made.append(self)

    def start(self):
        self.wake(None)

    def end(self):
        self.made.remove(self)


def run(phase, **status):
    return Run(
        manifest={
            "kind": "KubernetesExecution",
            "metadata": {"name": "one", "namespace": "shop", "uid": "uid-1"},
            "spec": {"action": "scale_deployment"},
            "status": {"phase": phase, **status},
        },
        executions={},
    )


RUNS = [run("running"), run("running"), run("blocked", message="no room"), run("succeeded", result="succeeded")]


@pytest.fixture
def followed(monkeypatch):
    monkeypatch.setattr(following, "Watcher", QuickWatcher)
    monkeypatch.setattr(following, "TICK_S", 0.01)
    monkeypatch.setattr(following, "TOGETHER_S", 0.0)

    def play(*readings):
        left = list(readings)

        def read():
            for watcher in QuickWatcher.made:
                watcher.wake(None)
            found = left.pop(0)
            if isinstance(found, Exception):
                structlog.get_logger().warning("watch interrupted", error="gone")
                raise found
            return [found]

        place = Place(api=None, namespace="shop")
        return follow(place, read, lambda one, now: tree_of(one, now=now), until_over=True)

    return play


def test_elsewhere_than_on_a_terminal_each_change_is_told_once(followed, capsys):
    (last,) = followed(*RUNS)

    assert last.over
    lines = [line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["● execution one  running", "■ execution one  blocked  no room", "✔ execution one  succeeded"]
    assert QuickWatcher.made == []


def test_on_a_terminal_the_tree_is_drawn_over_and_stays_at_the_end(followed, monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(following, "console", lambda: screen)
    before = structlog.get_config()["processors"]

    followed(RUNS[0], UnreachableError("GET /apis: no answer"), *RUNS[2:])

    shown = screen.file.getvalue()
    assert "as it was last: GET /apis: no answer" in shown
    assert shown.endswith("✔ execution one  succeeded\n")
    assert structlog.get_config()["processors"] == before


def test_what_the_watches_log_is_not_written_across_it(followed, capsys):
    followed(RUNS[0], UnreachableError("no answer"), RUNS[3])

    out, err = capsys.readouterr()
    assert "watch interrupted" not in out + err
    assert len(out.splitlines()) == 2
