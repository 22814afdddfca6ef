"""The drift chart: few lines where nothing was flagged, and no two of them alike."""

import pandas as pd
import pytest
from kubernaut_simulator.estimation.drift import Drift, Measure
from kubernaut_simulator.results import drift as module
from kubernaut_simulator.results.drift import DRAWN_AT_MOST, DriftResult


def asked(number, *, flagged=False):
    return Drift(
        condition=f"scale/step/post/c{number:02}", candidate=False, measure=Measure.FALSE_STOPS, n=40, days=20,
        not_compared=0, versions=1, p_value=1.0 - number / 20, p_adjusted=1.0, flagged=flagged,
        changed_at=pd.Timestamp("2026-02-01", tz="UTC") if flagged else None,
    )  # fmt: skip


@pytest.fixture
def chart(monkeypatch, contents):
    at = pd.Timestamp("2026-02-01", tz="UTC")
    monkeypatch.setattr(module, "comparable", lambda votes, _: votes)
    monkeypatch.setattr(module, "_over_time", lambda *_: ([at], [0.1]))

    def drawn(*conditions):
        result = DriftResult(votes=contents.drift.votes, window="", not_replayable={})
        result.__dict__["conditions"] = conditions
        return result.plot()

    return drawn


def test_where_nothing_was_flagged_the_most_different_are_drawn(chart):
    figure = chart(*(asked(number) for number in range(17)))

    assert [trace.name.split(":")[0] for trace in figure.data] == [f"step/post/c{number}" for number in range(13, 17)]
    assert len(figure.data) == DRAWN_AT_MOST
    assert "drawn are the 4 of 17 series that differ most" in figure.layout.xaxis.title.text


def test_no_two_flagged_lines_are_alike(chart):
    figure = chart(*(asked(number, flagged=True) for number in range(17)))

    assert len({(trace.line.color, trace.line.dash) for trace in figure.data}) == 17
