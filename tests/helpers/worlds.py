"""One incident's Deployment without what happens beside its cause, and the facts that can be read of it."""

from typing import Any

from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.eyes import Eyes
from kubernaut_simulator.worlds.fleet import make_fleet
from kubernaut_simulator.worlds.generate import START
from kubernaut_simulator.worlds.objects import WorldObjects
from kubernaut_simulator.worlds.onset import begin_life
from kubernaut_simulator.worlds.scenario import Scenario, load_scenario
from kubernaut_simulator.worlds.scenario_parts import Disturbances
from kubernaut_simulator.worlds.target_life import TargetLife
from kubernaut_simulator.worlds.traffic import Incident

from kubernaut.json_types import JsonObject

ONSET_S = 36_000.0
ACT_S = ONSET_S + 300
"""Of an incident that begins at `ONSET_S`; its run begins 20 s before."""


def quiet_scenario(**room: float) -> Scenario:
    """Give `steady` with enough room and nothing beside the causes; `room` sets fields of the room."""
    steady = load_scenario("steady")
    return steady.model_copy(
        update={
            "disturbances": Disturbances(**dict.fromkeys(Disturbances.model_fields, 0.0)),
            "room": steady.room.model_copy(update={"short": 0.0, **room}),
            "additional": (2, 4),
        }
    )


def life_of(
    cause: Cause, *, number: int = 0, made: Scenario | None = None, beside: int = 0, onset_s: float = ONSET_S
) -> TargetLife:
    """Give the life of the Deployment of that number under a cause."""
    made = made or quiet_scenario()
    incident = Incident(
        key=f"test/{cause}/{number}",
        onset_s=onset_s,
        deployment=make_fleet(made, 1)[number],
        cause=cause,
        beside=beside,
    )
    return begin_life(incident, made, 1, detected_s=onset_s + 60, run_s=onset_s + 280)


def facts_of(life: TargetLife, at_s: float, *, replicas: int | None = None) -> dict[str, Any]:
    """Give all facts that a look at a moment finds."""
    deployment = life.deployment
    parameters: JsonObject = {
        "deployment": {
            "name": deployment.name,
            "namespace": deployment.namespace,
            "replicas": life.wanted if replicas is None else replicas,
        }
    }
    eyes = Eyes(life, WorldObjects(life, START), start=START, key="test", parameters=parameters)
    return dict(eyes.snapshot(eyes.look(at_s, throttling=True), wanted=None).facts)
