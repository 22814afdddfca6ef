"""Counters followed through resets, births and several processes."""

import pytest
from kubernaut_simulator.telemetry.counters import growth
from kubernaut_simulator.telemetry.figures import buckets
from kubernaut_simulator.telemetry.server import Series

LABELS = {"runs_total": ("action",), "condition_time_to_pass_seconds_bucket": ("action", "le")}


def series(values, *, metric="runs_total", began=0, pod="a", **labels):
    times = [float(began + 10 * number) for number in range(len(values))]
    return Series(metric, {"action": "scale", "pod": pod, **labels}, times, [float(value) for value in values])


def grown(*several):
    return growth(several, labels=LABELS, began_s=0.0, step_s=10.0)


def witness(length, **more):
    return series([1] * length, metric="up", **more)


def test_a_counter_that_was_there_before_counts_from_the_value_it_had():
    assert grown(series([7, 7, 9])).of("runs_total") == 2


def test_a_reset_counts_from_zero():
    found = grown(series([7, 9, 1, 4]))

    assert found.of("runs_total", action="scale") == 2 + 4
    assert found.resets == 1


def test_a_series_that_is_born_beside_others_counts_its_first_value():
    assert grown(witness(5), series([3, 4], began=30)).of("runs_total") == 4


def test_a_process_that_appears_counts_from_zero():
    found = grown(witness(5), series([2, 5], began=30, pod="b"))

    assert found.of("runs_total") == 5
    assert found.born == 1


def test_processes_add_up_and_other_labels_do_not():
    found = grown(series([0, 2]), series([0, 3], pod="b"), series([0, 9], action="other"))

    assert found.of("runs_total", action="scale") == 5
    assert found.of("runs_total") == 14
    assert found.labels_of("runs_total", "action") == {("scale",), ("other",)}


@pytest.mark.parametrize("written", [("20", "60", "+Inf"), ("20.0", "60.0", "+Inf")])
def test_buckets_become_intervals_with_an_open_end(written):
    name = "condition_time_to_pass_seconds_bucket"
    found = grown(*(series([0, end], metric=name, le=le) for le, end in zip(written, (4, 10, 11), strict=True)))

    assert list(buckets(found, {"action": "scale"})) == [(0.0, 20.0, 4), (20.0, 60.0, 6), (60.0, float("inf"), 1)]
