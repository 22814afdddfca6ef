"""How a what-if is compared with what happened, on one small world."""

from collections import Counter

import pytest
from kubernaut_simulator.calibration.generated_worlds import enforced, generated, with_terms
from kubernaut_simulator.calibration.what_if import (
    CRASHLOOP,
    DIFFERENT,
    ENFORCED,
    SAME,
    Question,
    stops_compared,
    verdicts_compared,
)
from kubernaut_simulator.whatif.whatif import WhatIf
from kubernaut_simulator.worlds.scenario import load_scenario

SEED, INCIDENTS = 301, 16
"""As in the reduced proof, so that the worlds are played once."""


@pytest.fixture(scope="module")
def base():
    return generated("steady", seed=SEED, incidents=INCIDENTS)


def test_terms_are_laid_over_a_scenario_and_leave_it_as_it_was():
    scenario = load_scenario("steady")
    changed = with_terms(scenario, enforced([CRASHLOOP]))

    own = changed.settings["action"]["actions"]["scale_deployment"]["post"]["no_crashloop_pods"]
    assert own == {"required": True, "rolloutPercent": 100}
    assert not scenario.settings


def test_enforcement_stops_what_the_what_if_says(base):
    other = generated("steady", seed=SEED, incidents=INCIDENTS, terms=enforced(ENFORCED))
    found = stops_compared(base, WhatIf(base.history()), other)

    assert found[DIFFERENT] == 0
    assert found.total() == INCIDENTS


def test_a_world_without_enforcement_is_told_from_one_with(base):
    found = stops_compared(base, WhatIf(base.history()), base)

    assert found[DIFFERENT] > 0


def test_a_longer_hold_is_answered_or_refused_but_never_wrong(base):
    one = Question(condition=CRASHLOOP, key="holdFor", seconds=60.0)
    other = generated("steady", seed=SEED, incidents=INCIDENTS, terms=one.terms)
    found = verdicts_compared(base, one, WhatIf(base.history()).prepared(), other)

    assert found[DIFFERENT] == 0
    assert 0 < found[SAME] < INCIDENTS


def test_recorded_terms_change_no_verdict(base):
    one = Question(condition=CRASHLOOP, key="holdFor", seconds=20.0)

    assert verdicts_compared(base, one, WhatIf(base.history()).prepared(), base) == Counter({SAME: INCIDENTS})
