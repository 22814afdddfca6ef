import pytest
from kubernaut_simulator.worlds.generate import GeneratedWorld, generate
from kubernaut_simulator.worlds.scenario import load_scenario


@pytest.fixture(scope="session")
def small_steady() -> GeneratedWorld:
    return generate(load_scenario("steady"), incidents=25, seed=3)
