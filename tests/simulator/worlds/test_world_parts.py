"""A world is the same whoever plays its parts."""

import pickle

import pytest
from kubernaut_simulator.worlds.generate import START, generate
from kubernaut_simulator.worlds.parts import PART_INCIDENTS, WorldSource, parts_of, play_part
from kubernaut_simulator.worlds.scenario import load_scenario

from kubernaut.errors import InputError

SEED = 3


def source(name="steady", seed=SEED):
    return WorldSource(scenario=load_scenario(name), seed=seed, start=START)


def test_parts_hold_every_incident_once_and_in_order():
    parts = list(parts_of(source(), 2 * PART_INCIDENTS + 3))

    assert [len(part.incidents) for part in parts] == [PART_INCIDENTS, PART_INCIDENTS, 3]
    assert [one for part in parts for one in part.incidents] == list(source().incidents(2 * PART_INCIDENTS + 3))


def test_a_part_that_came_from_another_process_is_played_the_same():
    (part,) = parts_of(source(), 4)
    here = play_part(part)

    assert play_part(pickle.loads(pickle.dumps(part))) == here


def test_a_process_plays_one_world_after_another():
    (first,), (second,) = parts_of(source(), 2), parts_of(source(seed=SEED + 1), 2)
    before = play_part(first)

    assert play_part(second) != before
    assert play_part(first) == before


@pytest.mark.slow
def test_processes_make_no_difference(small_steady):
    incidents = len({row.incident_id for row in small_steady.truth})
    world = generate(load_scenario("steady"), incidents=incidents, seed=small_steady.seed, jobs=2)

    assert list(world.rows) == list(small_steady.rows)
    assert list(world.truth) == list(small_steady.truth)


def test_no_process_at_all_is_refused():
    with pytest.raises(InputError, match="at least 1"):
        generate(load_scenario("steady"), incidents=1, seed=1, jobs=0)
