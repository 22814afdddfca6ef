"""What tests of the simulator share: one small world, and one worker that judges."""

from collections.abc import Iterator

import pytest
from kubernaut_simulator.history.history import History
from kubernaut_simulator.replay.replay import Replay, replay
from kubernaut_simulator.replay.tasks import Conditions
from kubernaut_simulator.tuning.tune import compiled
from kubernaut_simulator.worlds.conditions import world_sets
from kubernaut_simulator.worlds.generate import GeneratedWorld, generate
from kubernaut_simulator.worlds.scenario import load_scenario

from kubernaut.policy.worker.client import WorkerEvaluator


@pytest.fixture(scope="session")
def small_steady() -> GeneratedWorld:
    return generate(load_scenario("steady"), incidents=25, seed=3)


@pytest.fixture(scope="session")
def steady_history(small_steady: GeneratedWorld) -> History:
    return small_steady.history()


@pytest.fixture(scope="session")
def steady_conditions() -> Conditions:
    return compiled(world_sets(load_scenario("steady")))


@pytest.fixture(scope="session")
def worker() -> Iterator[WorkerEvaluator]:
    with WorkerEvaluator() as evaluator:
        yield evaluator


@pytest.fixture(scope="session")
def steady_replay(steady_history: History, worker: WorkerEvaluator) -> Replay:
    return replay(steady_history, evaluator=worker)
