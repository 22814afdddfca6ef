"""Sets that pinned runs need stay; those that nobody asks for go."""

from types import MappingProxyType

from kubernaut_operator.condition_sets.known_sets import IN_USE_S, KEPT, KEPT_IN_USE, KnownSets

from kubernaut.conditions.compiled_set import CompiledSet
from kubernaut.conditions.condition_set import ConditionSet
from kubernaut.conditions.pinning import PinnedSets
from kubernaut.conditions.settings import Settings
from kubernaut.identity import Level

NONE = MappingProxyType({})


def sets(number):
    step, action = (
        CompiledSet(
            texts=ConditionSet(level=level, settings=Settings(rollout=f"r{number}")), policies=NONE, candidates=NONE
        )
        for level in Level
    )
    return PinnedSets(step=step, action=action)


def test_twenty_are_kept_and_the_longest_unused_goes_first():
    known = KnownSets()
    made = [sets(number) for number in range(KEPT + 2)]
    for number, one in enumerate(made[:KEPT]):
        known.add(one, now_s=float(number))
    known.used(made[0].digest, now_s=IN_USE_S * 2)

    for one in made[KEPT:]:
        known.add(one, now_s=IN_USE_S * 2)

    assert made[0].digest in known
    assert made[1].digest not in known
    assert len(known) == KEPT


def test_what_a_run_asked_for_within_the_hour_stays_but_not_without_bound():
    known = KnownSets()
    made = [sets(number) for number in range(KEPT_IN_USE + 5)]

    for number, one in enumerate(made):
        known.add(one, now_s=float(number))
        known.used(one.digest, now_s=float(number))

    assert len(known) == KEPT_IN_USE
    assert made[4].digest not in known
    assert known[made[5].digest] is made[5]


def test_asking_for_what_is_gone_changes_nothing():
    known = KnownSets()

    known.used("gone", now_s=0.0)

    assert list(known) == []
