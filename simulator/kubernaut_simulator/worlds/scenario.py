"""A scenario: how often what goes wrong, and how a cluster and its people answer. Read from YAML, checked here.

Durations are written in Go's form (``90s``, ``1h30m``) and are seconds in Python. Every field has a default, so that
a scenario file says only in what it differs; unknown fields are refused. `changes` make a scenario drift: from a day
on, some fields have other values. Nothing here draws a number.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from kubernaut.conditions.problems import describe, known_keys
from kubernaut.conditions.yaml_text import read_yaml
from kubernaut.errors import InputError
from kubernaut_simulator.worlds.causes import Cause
from kubernaut_simulator.worlds.scenario_parts import (
    Change,
    Disturbances,
    Labels,
    Part,
    Pool,
    Reading,
    Room,
    Seconds,
    Share,
    Team,
    Timing,
    Traffic,
    Weight,
)


class Scenario(Part):
    """A whole scenario.

    Attributes
    ----------
    version : int
        Of the form of this file: 1.
    name : str
        Of the scenario.
    summary : str
        One sentence.
    traffic : Traffic
        When incidents arrive, and whether they are tried again.
    teams : sequence of Team
        Whose Deployments are struck.
    pools : sequence of Pool
        The nodes.
    room : Room
        Whether there is room for additional pods.
    timing : Timing
        How long things take.
    disturbances : Disturbances
        What happens beside the cause.
    reading : Reading
        How reading facts fails.
    labels : Labels
        How outcomes become known.
    causes : mapping of Cause to float
        Weights of the latent causes of incidents on their own; causes that are left out do not occur.
    recovers_alone : float
        Share of incidents that would end by themselves within the stabilization window.
    stabilization : float, unit s
        How long after the action's end the outcome is looked at.
    additional : tuple of int
        Least and most additional replicas asked for.
    policies : mapping of str to str
        Condition (``action/level/phase/type``) to file with a policy that replaces the shipped one, beside the
        scenario.
    settings : mapping
        Laid over the shipped settings of both levels, by level: ``{step: {...}, action: {...}}``.
    changes : sequence of Change
        Other values from a day on: drift.
    """

    version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
    summary: str
    traffic: Traffic = Traffic()
    teams: Annotated[Sequence[Team], Field(min_length=1)] = (
        Team(name="checkout", weight=3, deployments=12, quota=0.4, pull_secrets=0.6),
        Team(name="search", weight=2.5, deployments=10, pull_secrets=0.2, autoscaled=0.6, pace=1.4),
        Team(name="payments", weight=1.5, deployments=8, quota=0.6, pull_secrets=0.8, states_replicas=1.0),
        Team(name="media", weight=2, deployments=9, pull_secrets=0.9, throttling_measured=False, pace=0.8),
    )
    pools: Annotated[Sequence[Pool], Field(min_length=1)] = (
        Pool(name="general", nodes=7, weight=5),
        Pool(name="highmem", nodes=4, cpu_m=15_890, memory_mi=124_000, tainted=True, weight=1),
    )
    room: Room = Room()
    timing: Timing = Timing()
    causes: Mapping[Cause, Weight] = {
        Cause.LOAD_SPIKE: 64,
        Cause.SLOW_READINESS: 6,
        Cause.FAILING_READINESS: 2,
        Cause.NODE_LOSS: 2,
        Cause.REPLICAS_CHANGED: 2,
        Cause.OUT_OF_MEMORY: 5,
        Cause.BAD_IMAGE: 4,
        Cause.CRASH_AT_START: 5,
        Cause.CRASH_LATER: 4,
        Cause.NO_CAPACITY: 4,
        Cause.QUOTA: 1.5,
        Cause.NODE_SELECTOR: 1,
        Cause.NOT_CAPACITY: 6,
        Cause.HARMED_DEPENDENCY: 1,
        Cause.DEPLOYMENT_GONE: 1,
    }
    disturbances: Disturbances = Disturbances()
    reading: Reading = Reading()
    labels: Labels = Labels()
    recovers_alone: Share = 0.015
    stabilization: Seconds = 300
    additional: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=50)]] = (1, 4)
    policies: Mapping[str, str] = {}
    settings: Mapping[Literal["step", "action"], Mapping[str, Any]] = {}
    changes: Sequence[Change] = ()

    @model_validator(mode="after")
    def _weights_and_changes(self) -> "Scenario":
        for what, weights in (
            ("causes", self.causes.values()),
            ("teams", [team.weight for team in self.teams]),
            ("pools", [pool.weight for pool in self.pools]),
            ("labels.sources", [source.weight for source in self.labels.sources.values()]),
        ):
            if not any(weight > 0 for weight in weights):
                raise ValueError(f"{what}: no weight is above zero")
        if self.additional[0] > self.additional[1]:
            raise ValueError("additional: the least is above the most")
        for change in self.changes:
            _changed(self, change)
        return self

    def at(self, day: float) -> "Scenario":
        """Give the scenario in force on a day of the world: every change up to it applied in its order."""
        current = self
        for after_days, changed in self._changed:
            if after_days <= day:
                current = changed
        return current

    @cached_property
    def _changed(self) -> tuple[tuple[float, "Scenario"], ...]:
        """From which day on which scenario is in force."""
        current, found = self, []
        for change in sorted(self.changes, key=lambda c: c.after_days):
            current = _changed(current, change)
            found.append((change.after_days, current))
        return tuple(found)

    @property
    def change_days(self) -> tuple[float, ...]:
        """The days on which something changes, in order."""
        return tuple(sorted({change.after_days for change in self.changes}))


def _changed(scenario: Scenario, change: Change) -> Scenario:
    tree = scenario.model_dump(mode="json", exclude={"changes"})
    for dotted, value in change.set.items():
        *parents, last = dotted.split(".")
        if dotted in _FIXED:
            raise ValueError(f"changes: `{dotted}` is the same throughout a world; change another field")
        at: Any = tree
        for name in parents:
            at = at.get(name) if isinstance(at, dict) else None
        if not isinstance(at, dict) or last not in at:
            raise ValueError(f"changes: no field `{dotted}`")
        at[last] = value
    # Deployments name their team and pool by identity.
    return Scenario.model_validate(tree).model_copy(update={name: getattr(scenario, name) for name in _FIXED})


_FIXED = ("teams", "pools")
"""Deployments and nodes are made once, at the start of a world."""


def shipped_scenarios() -> tuple[str, ...]:
    """Name the scenarios that come with the package, sorted."""
    folder = files(__package__) / "scenarios"
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a shipped scenario by its name, or a YAML file by its path.

    Raises
    ------
    InputError
        Neither a shipped name nor a file, not YAML, or fields that are wrong: each is named with its line.
    """
    text = str(name_or_path)
    if text in shipped_scenarios():
        path: Any = files(__package__) / "scenarios" / f"{text}.yaml"
    else:
        path = Path(name_or_path)
        if not path.is_file():
            close = get_close_matches(text, shipped_scenarios(), n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise InputError(
                f"{text}: no such scenario; {hint}shipped are {', '.join(shipped_scenarios())}, or give a YAML file"
            )
    try:
        document = read_yaml(path.read_text(encoding="utf-8"), source=text)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{text}: cannot be read as UTF-8 text: {error}") from error
    try:
        scenario = Scenario.model_validate({} if document.value is None else document.value)
    except ValidationError as error:
        wrong = describe(error, place=document.place, keys=known_keys(*Part.__subclasses__()))
        raise InputError(f"the scenario cannot be used; docs/worlds.md lists every field\n{wrong}") from error
    return _with_policy_texts(scenario, path)


def _with_policy_texts(scenario: Scenario, path: Any) -> Scenario:
    """Put the text of each named policy file in place of its name."""
    texts: dict[str, str] = {}
    for condition, name in scenario.policies.items():
        file = (path.parent if isinstance(path, Path) else files(__package__) / "scenarios") / name
        if not file.is_file():
            raise InputError(f"{path}: policies: no file {name} for {condition}")
        texts[condition] = file.read_text(encoding="utf-8")
    return scenario.model_copy(update={"policies": texts})
