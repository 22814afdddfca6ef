"""The cores that judge thousands of worlds are the functions that judge one history."""

import numpy as np
import pandas as pd
import pytest
from helpers.vote_frames import Rows, hours
from kubernaut_simulator.calibration import gate_worlds
from kubernaut_simulator.calibration.bunches import Bunches, draw_votes
from kubernaut_simulator.calibration.coverage import limits_in
from kubernaut_simulator.calibration.gates import (
    NEVER,
    decided_after,
    decided_among,
    decided_by_holm,
    fixed_sample_line,
    gate_line,
)
from kubernaut_simulator.estimation.clustering import cluster_spread, design_effect_limits, one_vote_per_target_day
from kubernaut_simulator.estimation.false_stops import false_stops
from kubernaut_simulator.estimation.multiplicity import version_price
from kubernaut_simulator.estimation.sequential import Hypothesis, gate_entries, run_gate
from kubernaut_simulator.estimation.votes import cast_votes
from scipy import stats

NAME = "scale_deployment/step/pre/"
TARGET = 0.15


def votes_of(*stops, delays_h=None):
    """One condition for each row of stops, on the same good incidents, an hour apart."""
    rows = Rows()
    for i in range(len(stops[0])):
        verdicts = {f"c{c}": "Failed" if stops[c][i] else "Passed" for c in range(len(stops))}
        rows.run(
            f"i{i:04d}",
            verdicts,
            hour=float(i),
            target=f"t{i}",
            outcome_after_h=1.0 if delays_h is None else delays_h[i],
        )
    return cast_votes(*rows.frames(), as_of=hours(1e6)).data


@pytest.mark.parametrize("version", [1, 3])
def test_the_line_decides_where_run_gate_decides(version):
    rng = np.random.default_rng(1)
    line = gate_line(120, target=TARGET, alpha=0.05 / version_price(version), look_every=10)
    worlds = rng.random((12, 120)) < np.linspace(0.0, 0.2, 12)[:, None]
    ours = decided_after(worlds, line)
    for stops, after in zip(worlds, ours, strict=True):
        asked = [Hypothesis(condition=f"{NAME}c0", target=TARGET, version=version)]
        (decision,) = run_gate(votes_of(stops), asked, look_every=10).decisions

        assert decision.decided_after == (None if after == NEVER else after)
    assert (ours == NEVER).any()
    assert (ours != NEVER).any()


def test_several_conditions_pass_as_in_run_gate():
    rng = np.random.default_rng(2)
    worlds = rng.random((8, 4, 100)) < np.array([0.0, 0.03, 0.06, 0.15])[:, None]
    ours = decided_by_holm(worlds, target=TARGET, look_every=10)
    asked = [Hypothesis(condition=f"{NAME}c{c}", target=TARGET) for c in range(4)]
    for stops, passed in zip(worlds, ours, strict=True):
        decisions = run_gate(votes_of(*stops), asked, look_every=10).decisions

        assert [decision.passed for decision in decisions] == passed.tolist()
    assert 0 < ours.sum() < ours.size


def test_the_fixed_sample_line_is_where_the_exact_test_rejects():
    line = fixed_sample_line(200, target=TARGET, level=0.05, look_every=10)
    for n in (20, 50, 110, 200):
        most = int(line[n - 1])
        rejects = [stats.binomtest(k, n, TARGET, alternative="less").pvalue <= 0.05 for k in (most, most + 1)]

        assert rejects == [most >= 0, False]
    assert (line[[9, 14, 24]] == -1).all()


def test_who_did_not_enter_decides_nothing():
    line = gate_line(60, target=TARGET, alpha=0.05, look_every=1)
    stops = np.zeros((2, 60), bool)

    assert decided_after(stops, line, entered=np.array([60, 20])).tolist() == [decided_after(stops, line)[0], NEVER]


def test_incidents_enter_as_the_worlds_of_late_labels_have_it():
    rng = np.random.default_rng(3)
    delays_h = rng.uniform(0.0, 40.0, 60)
    stops = rng.random(60) < 0.3
    entries = gate_entries(votes_of(stops, delays_h=delays_h), Hypothesis(condition=f"{NAME}c0", target=TARGET))
    late = delays_h > 24

    assert entries["stop"].tolist() == stops[~late | stops].tolist()
    assert 0 < (late & stops).sum() < (late | stops).sum() < 60


def test_worlds_whose_labels_are_not_there_in_time_decide_where_run_gate_decides():
    rng = np.random.default_rng(5)
    line = gate_line(120, target=TARGET, alpha=0.05 / version_price(1), look_every=10)
    stops = rng.random((10, 120)) < np.linspace(0.0, 0.1, 10)[:, None]
    labelled = rng.random((10, 120)) >= 0.3
    ours = decided_among(stops, labelled | stops, line)
    asked = [Hypothesis(condition=f"{NAME}c0", target=TARGET)]
    for world, known, after in zip(stops, labelled, ours, strict=True):
        votes = votes_of(world, delays_h=np.where(known, 1.0, 30.0))
        log = run_gate(votes, asked, look_every=10).log
        decides = log.loc[log["decides"], "incident_id"].tolist()

        assert decides == ([] if after == NEVER else [f"i{after - 1:04d}"])
    assert (ours == NEVER).any()
    assert (ours != NEVER).any()


def test_the_search_sees_what_the_split_gives_it():
    assert gate_worlds.first_of_gate(1_000) == 600


def test_the_limits_of_many_worlds_are_those_of_false_stops():
    kinds = (Bunches(count=8, size=1, correlation=0.0), Bunches(count=3, size=6, correlation=0.6))
    drawn = draw_votes(kinds, 0.3, 6, np.random.default_rng(4))
    limits = limits_in(drawn, design_effect_limits(drawn.size, drawn.stops))
    for world, limit in enumerate(limits):
        rows, hour = Rows(), 0.0
        for day, size in enumerate(drawn.size.astype(int)):
            first = bool(drawn.first[world, day])
            rest = int(drawn.stops[world, day]) - first
            for at, stop in enumerate([first, *(number < rest for number in range(size - 1))]):
                rows.run(f"i{day}-{at}", {"a": "Failed" if stop else "Passed"}, hour=hour + 0.1 * at)
            hour += 24.0
        (found,) = false_stops(cast_votes(*rows.frames(), as_of=hours(1e6)).data)

        assert found.shown.stop_given_good.upper == pytest.approx(limit)


def test_a_bunch_is_as_alike_as_it_says_and_keeps_the_rate():
    rng = np.random.default_rng(5)
    drawn = draw_votes((Bunches(count=4_000, size=5, correlation=0.3),), 0.2, 1, rng)
    yes = np.concatenate([np.arange(5) < k for k in drawn.stops[0]])
    found = cluster_spread(yes, np.repeat(np.arange(4_000), 5))

    assert found.correlation == pytest.approx(0.3, abs=0.03)
    assert yes.mean() == pytest.approx(0.2, abs=0.02)
    assert drawn.first.mean() == pytest.approx(0.2, abs=0.03)


def test_the_first_vote_of_a_bunch_is_the_one_that_speaks_for_its_day():
    votes = votes_of([True, False])
    votes["target_day"] = 7

    assert one_vote_per_target_day(votes)["stop"].tolist() == [True]
    assert isinstance(votes, pd.DataFrame)


def test_lots_play_every_world_once():
    seen = []

    def lot(size):
        seen.append(size)
        return size, 0

    assert gate_worlds._in_lots(250, gate_worlds.LOT_VOTES // 100, lot) == (250, 0)
    assert seen == [100, 100, 50]
