import numpy as np
import pytest
from helpers.vote_frames import Rows, hours
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.votes import cast_votes
from kubernaut_simulator.rollout.dealing import NAMES, buckets, enrolled_names
from kubernaut_simulator.rollout.incidents import incidents_of
from kubernaut_simulator.rollout.truths import blocks_of, draw_truths, tilted_to
from scipy import stats

from kubernaut.enforcement.rollout import bucket_of
from kubernaut.errors import HistoryError

A, B = "scale_deployment/step/pre/a", "scale_deployment/step/pre/b"


def votes_of(verdicts, *, gap_h=25.0, as_of_h=1e6, **run):
    rows = Rows()
    for i, (a, b, good) in enumerate(verdicts):
        given_ = {"a": "Failed" if a else "Passed", "b": "Failed" if b else "Passed"}
        rows.run(f"i{i:04d}", given_, hour=i * gap_h, outcome="effective" if good else "ineffective", **run)
    return cast_votes(*rows.frames(), as_of=hours(as_of_h)).data


def lone(k, n, *, bad=0):
    return [(i < k, False, True) for i in range(n)] + [(True, True, False)] * bad


def test_incidents_hold_what_the_votes_say():
    incidents = incidents_of(votes_of(lone(3, 40, bad=10)))

    assert incidents.conditions == (A, B)
    assert incidents.counts(A) == (3, 40)
    assert incidents.counts(B) == (0, 40)
    assert incidents.blocks(A) == (13, 50)
    assert (len(incidents), incidents.total, int(incidents.known.sum())) == (50, 50, 50)
    assert incidents.per_day == pytest.approx(50 / (49 * 25 / 24))
    assert incidents.only([B]).counts(B) == (0, 40)


def test_incidents_of_one_target_and_day_are_one_block():
    incidents = incidents_of(votes_of(lone(0, 48), gap_h=1.0))

    assert blocks_of(incidents).sizes.tolist() == [24, 24, 1, 1, 1]


def test_enrolled_and_young_incidents_are_left_out_and_counted():
    rows = Rows()
    for i in range(4):
        rows.run(f"old{i}", {"a": "Passed"}, hour=i * 25.0)
    rows.run("enrolled", {"a": "Passed"}, hour=110.0, evaluation={"required": True, "percent": 50.0, "bucket": 10})
    rows.run("young", {"a": "Passed"}, hour=200.0)
    incidents = incidents_of(cast_votes(*rows.frames(), as_of=hours(201)).data)

    assert len(incidents) == 4
    assert sorted(incidents.left_out.values()) == [1, 1]


def test_a_history_of_enrolled_incidents_cannot_be_planned_from():
    votes = votes_of(lone(0, 5), evaluation={"required": True, "percent": 98.0, "bucket": 10})

    with pytest.raises(HistoryError, match="warn mode"):
        incidents_of(votes)


@pytest.mark.parametrize(("k", "n"), [(0, 30), (4, 60)])
def test_for_one_condition_and_lone_incidents_the_truth_is_the_jeffreys_posterior(k, n):
    blocks = blocks_of(incidents_of(votes_of(lone(k, n))).only([A]))
    rates = blocks.false_stop_rates(draw_truths(blocks, np.random.default_rng(1), draws=4000))[:, 0]

    assert stats.kstest(rates, stats.beta(k + 0.5, n - k + 0.5).cdf).pvalue > 0.001


def test_bunches_widen_what_may_be_true():
    # Sixty good incidents on ten targets' days; the false stops are two whole days, or twelve lone incidents.
    def width(gap_h):
        verdicts = [(i // 6 < 2, False, True) for i in range(60)]
        rows = Rows()
        for i, (a, _, _) in enumerate(verdicts):
            rows.run(f"i{i}", {"a": "Failed" if a else "Passed"}, hour=(i // 6) * 25.0 + (i % 6) * gap_h)
        blocks = blocks_of(incidents_of(cast_votes(*rows.frames(), as_of=hours(1e6)).data))
        return float(blocks.false_stop_rates(draw_truths(blocks, np.random.default_rng(2), draws=2000)).std())

    assert width(0.01) > 1.8 * width(24 * 30.0)


@settings(max_examples=30, deadline=None)
@given(k=st.integers(0, 12), bad=st.integers(0, 20), rate=st.floats(0.005, 0.6))
def test_a_tilted_truth_has_the_rate_asked_for(k, bad, rate):
    blocks = blocks_of(incidents_of(votes_of(lone(k, 40, bad=bad))))
    weights = tilted_to(blocks, condition=0, false_stop_rate=rate)

    assert blocks.false_stop_rates(weights)[0] == pytest.approx(rate, abs=1e-6)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()


def test_tilting_to_what_was_seen_changes_nothing():
    blocks = blocks_of(incidents_of(votes_of(lone(5, 40))))
    seen = float(blocks.false_stop_rates(blocks.prior)[0])

    assert tilted_to(blocks, condition=0, false_stop_rate=seen) == pytest.approx(blocks.prior / blocks.prior.sum())


@pytest.mark.parametrize("percent", [5.0, 50.0, 98.0, 100.0])
def test_made_up_incidents_are_dealt_by_the_engines_hash(percent):
    assert buckets("default")[7] == bucket_of("default", "planned-incident-7")
    assert enrolled_names("default", percent).mean() == pytest.approx(percent / 100, abs=4 * 0.5 / NAMES**0.5)
