"""Every suite is counted at once; brute force, one suite after the other, says the same."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernaut_simulator.estimation.rates import rate
from kubernaut_simulator.suites.choices import Choice
from kubernaut_simulator.suites.fails import Fails
from kubernaut_simulator.suites.front import allowed_stops, find_front
from kubernaut_simulator.suites.lattice import LARGEST, Lattice
from kubernaut_simulator.suites.marginal import Standing, marginals

from kubernaut.errors import InputError
from kubernaut.identity import ConditionId, Level, Phase


def some_fails(seed: int, sizes: list[int], incidents: int, *, nested: bool = False) -> Fails:
    chance = np.random.default_rng(seed)
    choices = []
    stop, wait = [], []
    for at, size in enumerate(sizes):
        phase = Phase.POST if size > 1 else Phase.PRE
        condition = ConditionId("scale_deployment", Level.STEP, phase, f"condition_{at}")
        rate_of = chance.choice([0.0, 0.05, 0.3])
        base = chance.random(incidents)
        for number in range(size):
            choices.append(Choice(condition=condition, timeout_s=None if number == 0 else 10.0 * number))
            level = base if nested else chance.random(incidents)
            stop.append(level < rate_of * (1 + number))
            wait.append(np.round(chance.random(incidents) * 60, 3) if phase is Phase.POST else np.zeros(incidents))
    matrix = np.array(stop).T
    return Fails(choices=tuple(choices), stop=matrix, unknown=np.zeros_like(matrix), wait_s=np.array(wait).T)


def every_suite(sizes: list[int]) -> list[tuple[int, ...]]:
    starts = np.cumsum([0, *sizes[:-1]])
    states = product(*(range(size + 1) for size in sizes))
    return [tuple(int(start) + one - 1 for start, one in zip(starts, own, strict=True) if one) for own in states]


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), sizes=SIZES, incidents=st.integers(0, 60))
def test_counts_equal_bitmasks_one_by_one(seed: int, sizes: list[int], incidents: int) -> None:
    fails = some_fails(seed, sizes, incidents)
    starts = np.cumsum([0, *sizes[:-1]]).tolist()
    axes = tuple(tuple(range(start, start + size)) for start, size in zip(starts, sizes, strict=True))
    lattice = Lattice(axes=axes)
    masks = fails.masks()

    stopped = lattice.stopped(fails.stop)
    waits = lattice.longest(fails.wait_s)
    sizes_of = lattice.sizes()

    expected = every_suite(sizes)
    assert [lattice.suite(at) for at in range(lattice.size)] == expected
    bits = [sum(1 << column for column in suite) for suite in expected]
    assert [sum(bool(mask & suite) for mask in masks) for suite in bits] == stopped.tolist()
    assert [len(suite) for suite in expected] == sizes_of.tolist()
    np.testing.assert_allclose(waits, [fails.waits_for(suite).mean() if incidents else 0.0 for suite in expected])


def test_alike_waits_are_equal_and_the_smaller_suite_is_kept() -> None:
    waits = np.array([[0.1, 0.3], [0.7, 0.1], [0.2, 0.2]])
    lattice = Lattice(axes=((0,), (1,), (2,)))

    found = lattice.longest(np.column_stack([waits, waits[:, 0]]))

    # The third condition waits as long as the first in every incident: with it or without is the same to the bit.
    assert found[lattice_place(lattice, (0, 1))] == found[lattice_place(lattice, (0, 1, 2))]
    assert found[lattice_place(lattice, (0, 1))] == pytest.approx((0.3 + 0.7 + 0.2) / 3, rel=1e-12)


def lattice_place(lattice: Lattice, suite: tuple[int, ...]) -> int:
    return next(at for at in range(lattice.size) if lattice.suite(at) == suite)


def test_many_choices_that_follow_no_order_are_held_by_what_occurs() -> None:
    sizes = [6] * 6
    fails = some_fails(3, sizes, 40)
    lattice = Lattice(axes=tuple(tuple(range(6 * at, 6 * at + 6)) for at in range(6)))

    waits = lattice.longest(fails.wait_s)
    stopped = lattice.stopped(fails.stop)

    for at in np.random.default_rng(1).integers(0, lattice.size, 200).tolist():
        suite = lattice.suite(at)
        assert stopped[at] == fails.stopped_by(suite).sum()
        assert waits[at] == pytest.approx(fails.waits_for(suite).mean(), rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    sizes=SIZES,
    incidents=st.integers(5, 80),
    ceiling=st.sampled_from([0.1, 0.3, 0.7]),
    nested=st.booleans(),
)
def test_front_equals_brute_force(seed: int, sizes: list[int], incidents: int, ceiling: float, *, nested: bool) -> None:
    fails = some_fails(seed, sizes, incidents, nested=nested)
    good = np.random.default_rng(seed).random(incidents) < 0.6
    bad = ~good
    every = {
        (
            int((fails.stopped_by(suite) & good).sum()),
            -int((fails.stopped_by(suite) & bad).sum()),
            round(float(fails.waits_for(suite)[good].mean()) if good.any() else 0.0, 9),
        )
        for suite in every_suite(sizes)
    }
    under = {one for one in every if rate(one[0], int(good.sum())).upper <= ceiling}
    expected = {
        one for one in under if not any(other != one and all(np.less_equal(other, one).tolist()) for other in under)
    }

    front = find_front(fails, good=good, bad=bad, ceiling=ceiling)

    found = {(one.good_stopped, -one.harmful_stopped, round(one.waiting_s, 9)) for one in front.suites}
    assert expected == found
    assert front.compared == len(every_suite(sizes)) - 1
    for one in front.suites:
        assert one.good_stopped == int((fails.stopped_by(one.columns) & good).sum())
        assert one.harmful_stopped == int((fails.stopped_by(one.columns) & bad).sum())


@pytest.mark.parametrize("n", [0, 5, 20, 200])
@pytest.mark.parametrize("ceiling", [0.05, 0.15, 0.5])
def test_allowed_stops_is_the_last_under_the_ceiling(n: int, ceiling: float) -> None:
    allowed = allowed_stops(n, ceiling=ceiling)

    assert allowed < 0 or rate(allowed, n).upper <= ceiling
    assert allowed + 1 > n or rate(allowed + 1, n).upper > ceiling


def test_too_many_suites_are_refused() -> None:
    with pytest.raises(InputError, match="too many to compare"):
        Lattice(axes=tuple((2 * at, 2 * at + 1) for at in range(int(np.log(LARGEST) / np.log(3)) + 1)))


def condition(name: str, phase: Phase = Phase.PRE) -> ConditionId:
    return ConditionId("scale_deployment", Level.STEP, phase, name)


def test_each_condition_gets_its_standing() -> None:
    incidents = 200
    good = np.arange(incidents) < 100
    stop = np.zeros((incidents, 4), bool)
    stop[100:160, 0] = True
    stop[:2, 0] = True
    stop[100:120, 1] = True  # only what the first stops already
    stop[:90, 2] = True  # stops nearly every good one, and some harmful ones that nothing else stops
    stop[180:200, 2] = True
    names = ("useful", "redundant", "costly", "silent")
    fails = Fails(
        choices=tuple(Choice(condition=condition(name)) for name in names),
        stop=stop,
        unknown=np.zeros_like(stop),
        wait_s=np.zeros(stop.shape),
    )

    front = find_front(fails, good=good, bad=~good, ceiling=0.15)

    assert front.chosen is not None
    assert front.chosen.columns == (0,)
    assert front.over_ceiling == (2,)
    assert front.never_stop == (3,)
    found = marginals(fails, front, front.chosen, good=good, bad=~good)
    assert [one.standing for one in found] == [
        Standing.CHOSEN,
        Standing.REDUNDANT,
        Standing.OVER_CEILING,
        Standing.NEVER_FIRED,
    ]
    assert (found[0].harmful_stopped, found[0].good_stopped) == (60, 2)
    assert (found[2].harmful_stopped, found[2].good_stopped) == (20, 88)


def test_a_smaller_suite_is_told_what_would_add_to_it() -> None:
    stop = np.zeros((60, 2), bool)
    stop[40:50, 0] = stop[45:60, 1] = True
    good = np.arange(60) < 40
    fails = Fails(
        choices=(Choice(condition=condition("a")), Choice(condition=condition("b"))),
        stop=stop,
        unknown=np.zeros_like(stop),
        wait_s=np.zeros(stop.shape),
    )
    front = find_front(fails, good=good, bad=~good, ceiling=0.2)
    assert front.chosen is not None

    small = type(front.chosen)(columns=(0,), good_stopped=0, harmful_stopped=10, waiting_s=0.0)
    found = marginals(fails, front, small, good=good, bad=~good)

    assert front.chosen.columns == (0, 1)
    assert [one.standing for one in found] == [Standing.CHOSEN, Standing.WOULD_ADD]
    assert found[1].harmful_stopped == 10


def test_too_few_good_incidents_choose_nothing() -> None:
    fails = some_fails(1, [1, 2], 10)
    good = np.arange(10) < 5

    front = find_front(fails, good=good, bad=~good, ceiling=0.15)

    assert front.allowed == -1
    assert front.suites == ()
    assert front.chosen is None
