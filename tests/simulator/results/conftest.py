"""One tuning for all tests of how results look: three conditions with a known truth."""

import pytest
from helpers.driven_history import tunable_history
from kubernaut_simulator.replay.replay import replay
from kubernaut_simulator.results.report_contents import gather
from kubernaut_simulator.tuning.tune import tune

from kubernaut.policy.evaluating import InProcessEvaluator


@pytest.fixture(scope="package")
def tuned():
    return tune(tunable_history(200), evaluator=InProcessEvaluator())


@pytest.fixture(scope="package")
def hostile():
    """What a cluster could call its things."""
    history = tunable_history(30, environment="<script>alert(1)</script>", namespace="<b>x</b>", message="<i>\x1b[31m")
    return replay(history, evaluator=InProcessEvaluator())


@pytest.fixture(scope="package")
def contents(tuned):
    """Everything that a report of that tuning says."""
    return gather(tuned, evaluator=InProcessEvaluator(), rollouts=20)
