"""Detection: does a condition fail where the run did no good, and how much earlier."""

import numpy as np
import pandas as pd
import pytest
from helpers.vote_frames import START, Rows, hours
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.clustering import Unit
from kubernaut_simulator.estimation.detection import NEVER_FIRED, detection, detection_table, lead_time
from kubernaut_simulator.estimation.rates import rate
from kubernaut_simulator.estimation.votes import cast_votes

NAME = "scale_deployment/step/pre/deployment_exists"


def known(hour: float, after_s: float = 2.0) -> dict[str, object]:
    return {"read_at": START + pd.Timedelta(hours=hour, seconds=after_s), "deadline": None, "extended": False}


def found_in(rows: Rows) -> dict[str, object]:
    evaluations, executions, workflows = rows.frames()
    workflows = workflows.assign(finished_at=[START + pd.Timedelta(hours=at + 0.5) for at in range(len(workflows))])
    votes = cast_votes(evaluations, executions, workflows, as_of=hours(1000)).data
    return {one.condition: one for one in detection(votes, evaluations, workflows)}


def some_rows(verdicts: list[str], outcomes: list[str | None]) -> Rows:
    rows = Rows()
    for at, (verdict, outcome) in enumerate(zip(verdicts, outcomes, strict=True)):
        rows.run(
            f"i{at}",
            {"deployment_exists": verdict},
            hour=float(at),
            outcome=outcome,
            target=f"web-{at}",
            evaluation=known(float(at)),
        )
    return rows


def test_rates_and_lead_times_are_counted() -> None:
    verdicts = ["Failed", "Failed", "Passed", "Error", "Passed", "Failed", "Censored", "Failed"]
    outcomes = [
        "ineffective",
        "ineffective",
        "ineffective",
        "ineffective",
        "effective",
        "effective",
        "ineffective",
        None,
    ]

    one = found_in(some_rows(verdicts, outcomes))[NAME]

    assert (one.failed_given_bad.k, one.failed_given_bad.n) == (2, 4)
    assert (one.stop_given_bad.k, one.stop_given_bad.n) == (3, 4)
    assert (one.bad_given_failed.k, one.bad_given_failed.n) == (2, 3)
    assert one.fired == 4
    assert one.unit is Unit.INCIDENT
    # The outcome comes an hour after the run's start, the end half an hour; the verdict was there after two seconds.
    assert one.before_outcome.median_s == pytest.approx(3598.0)
    assert one.before_end.median_s == pytest.approx(1798.0)
    assert one.before_outcome.n == 2
    assert "not enough data: 4 of 20" in one.text()


def test_a_condition_that_never_fires_says_so() -> None:
    one = found_in(some_rows(["Passed"] * 30, ["ineffective"] * 30))[NAME]

    assert one.text() == NEVER_FIRED
    assert one.before_outcome.text() == "not enough data (n = 0)"
    assert one.failed_given_bad == rate(0, 30, minimum=20)


def test_the_interval_is_that_of_the_counts() -> None:
    one = found_in(some_rows(["Failed"] * 12 + ["Passed"] * 18, ["ineffective"] * 30))[NAME]

    assert one.failed_given_bad.lower == rate(12, 30).lower
    assert one.text().startswith("P(F|B) 12/30 (lower 95 %")
    table = detection_table([one])
    assert table["P(F|B)"].tolist() == ["12/30"]
    assert table["says"].tolist() == [one.text()]


def test_one_outage_is_not_thirty_detections() -> None:
    rows = Rows()
    for at in range(30):
        verdict = "Failed" if at < 20 else "Passed"
        rows.run(
            f"i{at}", {"deployment_exists": verdict}, hour=at / 60, outcome="ineffective", evaluation=known(at / 60)
        )

    one = found_in(rows)[NAME]

    assert one.unit is Unit.TARGET_DAY
    assert one.failed_given_bad.n == 1


def replayed(rows: Rows, **changes: object) -> pd.DataFrame:
    evaluations = rows.frames()[0]
    return evaluations.assign(recorded_verdict=evaluations["verdict"], recorded_digest="p1", **changes)


@pytest.mark.parametrize(
    ("changes", "lead_s"),
    [
        ({}, 3598.0),
        # A replayed failure was known at its deadline: the vote's start (1 s) and the new timeout of 60 s.
        ({"phase": "post", "recorded_verdict": "Passed", "timeout_s": 60.0}, 3539.0),
        ({"phase": "pre", "recorded_verdict": "Passed", "timeout_s": 60.0}, 3598.0),
        ({"phase": "post", "reason": "Fatal"}, 3598.0),
        ({"phase": "post", "reason": "Fatal", "recorded_digest": "other"}, None),
    ],
)
def test_a_replayed_verdict_is_known_when_the_engine_would_have_known(
    changes: dict[str, object], lead_s: float | None
) -> None:
    rows = some_rows(["Failed"] * 25, ["ineffective"] * 25)
    _, executions, workflows = rows.frames()
    evaluations = replayed(rows).assign(**changes)
    votes = cast_votes(evaluations, executions, workflows.assign(finished_at=None), as_of=hours(1000)).data

    one = detection(votes, evaluations, workflows.assign(finished_at=None))[0]

    assert one.before_end.n == 0
    assert one.before_end.unknown == 25
    if lead_s is None:
        assert (one.before_outcome.n, one.before_outcome.unknown) == (0, 25)
    else:
        assert one.before_outcome.median_s == pytest.approx(lead_s)


def test_a_failure_on_other_terms_is_known_at_the_new_deadline() -> None:
    rows = some_rows(["Failed"] * 25, ["ineffective"] * 25)
    evaluations, executions, workflows = rows.frames()
    evaluations = replayed(rows, phase="post").assign(
        deadline=evaluations["started_at"] + pd.Timedelta(seconds=120), timeout_s=60.0
    )
    workflows = workflows.assign(finished_at=None)
    votes = cast_votes(evaluations, executions, workflows, as_of=hours(1000)).data

    assert detection(votes, evaluations, workflows)[0].before_outcome.median_s == pytest.approx(3539.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([6, 7, 15, 40]))
def test_limits_of_the_median_hold_what_they_say(seed: int, n: int) -> None:
    chance = np.random.default_rng(seed)
    samples = chance.exponential(100.0, size=(400, n))
    true = 100.0 * np.log(2.0)

    found = [lead_time(sample) for sample in samples]

    held = np.mean([one.lower_s <= true <= one.upper_s for one in found if one.lower_s is not None])
    # Exact limits hold at least 95 %; three standard errors of 400 worlds.
    assert held >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)
    assert all(one.p25_s <= one.median_s <= one.p75_s for one in found)


def test_few_lead_times_have_no_limits() -> None:
    assert lead_time(np.array([1.0, 2.0, 3.0])).text() == "median 2 s (n = 3, too few for limits)"


def test_no_votes_no_detection() -> None:
    assert detection_table([]).empty


@pytest.mark.parametrize("rate_of", [0.3, 0.8])
def test_the_bound_covers_the_truth(rate_of: float) -> None:
    chance = np.random.default_rng(7)
    worlds, n = 400, 60
    lower = [rate(int(chance.binomial(n, rate_of)), n).lower for _ in range(worlds)]

    assert np.mean(np.array(lower) <= rate_of) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / worlds)
