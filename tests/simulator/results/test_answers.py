"""Drift, selection and label noise in every form: numbers for programs, words in tables, charts that draw."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.vote_frames import Rows, hours
from kubernaut_simulator.estimation.label_noise import LabelQuality, corrected_false_stops
from kubernaut_simulator.estimation.rates import rate
from kubernaut_simulator.estimation.votes import cast_votes
from kubernaut_simulator.results.drift import DriftResult
from kubernaut_simulator.results.label_noise import LabelNoiseResult, quality_from
from kubernaut_simulator.results.pictures import to_svg
from kubernaut_simulator.results.selection import SelectionResult

from kubernaut.errors import InputError

NOTHING = {"scale_deployment/step/post/ready": {"fact not recorded": 3}}


def votes(*, days=30, change=15, slow=3.0, enforced_from=10**9):
    """Eight incidents a day; half are bad, the condition fails most of these and one in ten of the good."""
    rng = np.random.default_rng(3)
    rows = Rows()
    for day in range(days):
        for number in range(8):
            good = bool(rng.random() < 0.5)
            failed = bool(rng.random() < (0.1 if good else 0.8))
            enrolled = day >= enforced_from and rng.random() < 0.5
            stopped = failed and enrolled
            time_s = float(rng.gamma(4, 2) * (slow if day >= change else 1.0))
            hour = day * 24.0 + number
            rows.run(
                f"i{day}-{number}",
                {"ready": "Failed" if failed else "Passed"},
                hour=hour,
                outcome="effective" if good else "ineffective",
                evaluation={
                    "phase": "post",
                    "time_to_pass_s": None if failed else time_s,
                    "time_to_pass_lower_s": None if failed else max(0.0, time_s - 1),
                    "observed_until": hours(hour) + pd.Timedelta(seconds=121),
                    "required": day >= enforced_from,
                    "percent": 50.0 if day >= enforced_from else 0.0,
                    "bucket": 10 if enrolled else 9000,
                    "p_ran": 0.5 if failed and day >= enforced_from else 1.0,
                },
                execution={"stopped_by": ["scale_deployment/step/post/ready"], "result": "blocked"}
                if stopped
                else None,
            )
    return cast_votes(*rows.frames(), as_of=hours(days * 24 + 99))


@pytest.fixture(scope="module")
def steady_votes():
    return votes()


@pytest.fixture(scope="module")
def enforced_votes():
    return votes(enforced_from=10, slow=1.0)


@pytest.fixture(params=["drift", "selection", "label noise"])
def result(request, steady_votes):
    common = {"votes": steady_votes, "window": "w", "not_replayable": NOTHING}
    return {
        "drift": lambda: DriftResult(**common),
        "selection": lambda: SelectionResult(**common),
        "label noise": lambda: LabelNoiseResult(**common, quality=quality_from((95, 100), (90, 100))),
    }[request.param]()


def test_every_form_shows_the_same(result):
    found = json.loads(result.to_json())

    assert set(result.columns) <= set(result.data.columns)
    assert len(found["rows"]) == len(result.data)
    assert not set(found["rows"][0]) & set(result.counted)
    assert all(f"{name} {part}" in found["rows"][0] for name in result.counted for part in "kn")
    assert not any(f"{name} k" in result.table(wide=True).columns for name in result.counted)
    assert "3 evaluations not replayable: fact not recorded" in result.text()
    assert "<script" not in result._repr_html_()
    assert result.summary["window"] == "w"
    assert to_svg(result.plot()).startswith("<svg")


def test_drift_names_the_day_and_what_to_do(steady_votes):
    found = DriftResult(votes=steady_votes, window="w", not_replayable={})
    row = found.data.set_index("measure").loc["time to pass"]

    assert row["flagged"]
    assert row["earliest"] <= pd.Timestamp("2025-03-16", tz="UTC") <= row["latest"]
    assert row["before p50 s"] < row["after p50 lower s"]
    assert any("what was learned before does not hold after it" in note for note in found.notes)
    assert f"--since {found.since:%Y-%m-%dT%H:%M:%SZ}" in found.text()
    assert len(found.plot(condition="scale_deployment/step/post/ready").data) == 1


def test_selection_tells_the_readings_apart(enforced_votes):
    found = SelectionResult(votes=enforced_votes, window="w", not_replayable={})
    row = found.data.iloc[0]

    holdout = row["holdout P(stop|G) k"] / row["holdout P(stop|G) n"]
    assert row["enrolled"] > 20
    assert row["at least"] <= holdout <= row["at most"]
    assert row["weighted lower"] <= row["weighted"] <= row["weighted upper"]
    assert row["effective n"] < enforced_votes.data["label"].eq("good").sum()
    assert row["stopped with outcome k"] < row["stopped with outcome n"]
    assert found.coverage.set_index("verdict")["share"].between(0, 1).all()


def test_selection_says_when_nothing_was_enforced(steady_votes):
    assert (
        "nothing was enforced in this window"
        in SelectionResult(votes=steady_votes, window="w", not_replayable={}).text()
    )


def test_labels_that_share_facts_are_not_identifiable():
    rows = Rows()
    for number in range(30):
        rows.run(f"i{number}", {"ready": "Passed"}, hour=number, source="health")
    found = LabelNoiseResult(
        votes=cast_votes(*rows.frames(), as_of=hours(999)),
        window="w",
        not_replayable={},
        quality=quality_from(0.95, 0.95),
    )

    assert found.data["answer"].str.startswith("not identifiable").all()
    assert found.data["dependent labels"].tolist() == [30]


def test_sensitivity_cancels_and_counts_widen():
    counts = {"good_failed": 30, "failed": 60, "good_not_failed": 160, "not_failed": 200}
    known = corrected_false_stops(**counts, quality=LabelQuality.counted(0.95, 0.9))
    other = corrected_false_stops(**counts, quality=LabelQuality.counted(0.9, 0.9))
    audited = corrected_false_stops(**counts, quality=LabelQuality.counted(rate(95, 100), rate(90, 100)))

    assert known.estimate == pytest.approx(other.estimate)
    assert audited.estimate == pytest.approx(known.estimate)
    assert audited.lower < known.lower < known.estimate < known.upper < audited.upper


def test_few_audited_labels_say_nothing():
    counts = {"good_failed": 3, "failed": 6, "good_not_failed": 16, "not_failed": 20}
    found = corrected_false_stops(**counts, quality=LabelQuality.counted(rate(2, 3), rate(2, 3)))

    assert (found.lower, found.upper) == (0.0, 1.0)


@pytest.mark.parametrize("wrong", ["x", 1.5, (1, 0), (5, 3), (1,)])
def test_what_is_no_error_rate_is_refused(wrong):
    with pytest.raises(InputError, match="give a share"):
        quality_from(wrong, 0.9)


@pytest.mark.slow
def test_the_corrected_limits_hold_the_truth_in_worlds_with_audited_labels():
    rng = np.random.default_rng(6)
    worlds, below, above = 800, 0, 0
    for _ in range(worlds):
        n, good, se, sp = 300, 0.7, 0.93, 0.9
        truth = rng.random(n) < good
        failed = rng.random(n) < np.where(truth, 0.1, 0.7)
        label = np.where(truth, rng.random(n) < se, rng.random(n) > sp)
        quality = LabelQuality.counted(rate(int(rng.binomial(80, se)), 80), rate(int(rng.binomial(80, sp)), 80))
        found = corrected_false_stops(
            good_failed=int((label & failed).sum()),
            failed=int(failed.sum()),
            good_not_failed=int((label & ~failed).sum()),
            not_failed=int((~failed).sum()),
            quality=quality,
        )
        below += found.upper < 0.1
        above += found.lower > 0.1

    assert max(below, above) / worlds <= 0.05
