"""The parts of a scenario, each with its unit, default and why: traffic, teams, room, times, what goes wrong, labels.

A time that varies is a `Delay`: of one of three families, given by its median and the standard deviation of its
logarithm. Models only; `scenario` puts them together and reads them from YAML. Longer than most modules, for
half of it says what each field means: `docs/worlds.md` is made of that.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from kubernaut.durations import parse_duration
from kubernaut.errors import DurationError
from kubernaut.history.rows import OutcomeSource
from kubernaut_simulator.worlds.fits import known_fits
from kubernaut_simulator.worlds.streams import Family

DAY_S = 86_400.0


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return parse_duration(value)
        except DurationError as error:
            raise ValueError(str(error)) from error
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0)]
"""A duration: Go's form in YAML, seconds in Python."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A probability."""

Weight = Annotated[float, Field(ge=0)]


class Part(BaseModel):
    """A part of a scenario: frozen, and strict about its fields' names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Delay(Part):
    """A time that varies.

    Attributes
    ----------
    median : float, unit s
        Half of the times are longer.
    sigma : float
        Standard deviation of the natural logarithm, in every family; 0 makes it a constant.
    family : Family
        Log-logistic has the longer tail, Weibull the shorter one.
    at_most : float, unit s
        What is longer becomes this.
    """

    median: Seconds
    sigma: Annotated[float, Field(ge=0, le=4)] = 0.5
    family: Family = Family.LOGNORMAL
    at_most: Seconds = 7 * DAY_S


def _fitted(name: str, *, at_most: float) -> Delay:
    """Give the delay that was fitted to real times."""
    fit = known_fits()[name]
    return Delay(median=fit.median_s, sigma=fit.sigma, family=fit.family, at_most=at_most)


class Outages(Part):
    """Outages: one cause strikes many services at once, and each raises incidents.

    Attributes
    ----------
    per_week : float
        Mean number of outages in a week.
    incidents : float
        Mean number of incidents of one outage; drawn between half and one and a half of it, at least two.
    targets : int
        Deployments that are struck; fewer than incidents, so several incidents meet one target.
    spread : float, unit s
        Time over which its incidents arrive.
    """

    per_week: Weight = 0.25
    incidents: Annotated[float, Field(ge=1)] = 8
    targets: Annotated[int, Field(ge=1)] = 4
    spread: Seconds = 1200


class Retries(Part):
    """A run that did not help is tried again, as a new run of the same incident, asking for more replicas.

    Attributes
    ----------
    probability : float
        Share of the runs without success that are followed by another.
    after : Delay
        From the end of a run to the beginning of the next.
    at_most : int
        Further runs of one incident.
    """

    probability: Share = 0.4
    after: Delay = Delay(median=720, sigma=0.3)
    at_most: Annotated[int, Field(ge=0, le=5)] = 2


class Traffic(Part):
    """When incidents arrive.

    Attributes
    ----------
    per_day : float
        Mean of a working day, outages apart.
    day_amplitude : float
        0 is flat; 1 makes the quietest hour empty.
    peak_hour : float, unit h
        Hour of the day, UTC, at which most incidents begin.
    weekend_factor : float
        Incidents of a Saturday or Sunday, as a multiple of a working day's.
    detection : Delay
        From the onset to the alert.
    analysis : Delay
        From the alert to the workflow's start.
    outages : Outages
        One cause that strikes many services at once.
    retries : Retries
        Whether a run that did not help is tried again.
    """

    per_day: Annotated[float, Field(gt=0)] = 9
    day_amplitude: Share = 0.6
    peak_hour: Annotated[float, Field(ge=0, lt=24)] = 14
    weekend_factor: Weight = 0.45
    detection: Delay = Delay(median=90, sigma=0.5)
    analysis: Delay = _fitted("analysis", at_most=3600)
    outages: Outages = Outages()
    retries: Retries = Retries()


class Team(Part):
    """A team and its habits.

    Attributes
    ----------
    name : str
        Of the team, and of its production namespace.
    weight : float
        Share of the incidents, relative to the other teams' weights.
    deployments : int
        How many it has.
    environments : mapping of str to float
        Weights of its namespaces' `kubernaut.io/environment`.
    pull_secrets : float
        Share of Deployments that name an image pull secret.
    events_readable : bool
        Whether the operator may read Events in its namespaces.
    throttling_measured : bool
        Whether Prometheus has series of its containers.
    quota : float
        Share of namespaces with a ResourceQuota.
    autoscaled : float
        Share of Deployments with a HorizontalPodAutoscaler.
    states_replicas : float
        Share of runs whose parameters say which number of replicas they expect to find.
    pace : float
        Factor on the time that its pods take to get ready.
    retries : float
        Factor on the probability that a run which did not help is tried again.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    weight: Weight = 1
    deployments: Annotated[int, Field(ge=1, le=500)] = 10
    environments: Mapping[str, Weight] = {"production": 3, "staging": 1}
    pull_secrets: Share = 0.5
    events_readable: bool = True
    throttling_measured: bool = True
    quota: Share = 0.3
    autoscaled: Share = 0.3
    states_replicas: Share = 0.8
    pace: Annotated[float, Field(gt=0)] = 1
    retries: Weight = 1


class Pool(Part):
    """Nodes of one kind; Deployments of a tainted pool select them by label.

    Attributes
    ----------
    name : str
        Of the pool; nodes bear it as the label `pool`.
    nodes : int
        How many there are.
    cpu_m : int, unit m
        Allocatable CPU of a node, in thousandths of a core.
    memory_mi : int, unit Mi
        Allocatable memory of a node, in MiB.
    tainted : bool
        Whether only pods that tolerate the pool may run there.
    weight : float
        Share of the Deployments, relative to the other pools' weights.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    nodes: Annotated[int, Field(ge=1, le=200)] = 6
    cpu_m: Annotated[int, Field(ge=100)] = 15_890
    memory_mi: Annotated[int, Field(ge=128)] = 60_200
    tainted: bool = False
    weight: Weight = 1


class Room(Part):
    """Whether the cluster has room for the additional pods when they are asked for.

    Attributes
    ----------
    short : float
        Share of runs at the mean hour that do not find room on any node for all of them.
    day_amplitude : float
        How much more often at the peak hour: 1 follows the rhythm of the traffic in full, 0 not at all.
    drift_per_week : float
        Added to `short` each week; the cluster fills up, or empties.
    contention : float
        Added to `short` for each incident that began in the half hour before: one outage's incidents want the same
        room.
    relieved : float
        Share of the shortages that end: a node is added or other pods leave.
    relief : Delay
        From the first unschedulable pod to the room.
    """

    short: Share = 0.17
    day_amplitude: Share = 0.5
    drift_per_week: Annotated[float, Field(ge=-1, le=1)] = 0.0
    contention: Share = 0.01
    relieved: Share = 0.90
    relief: Delay = _fitted("relief", at_most=14_400)


class Timing(Part):
    """How long things take.

    Attributes
    ----------
    action : Delay
        The action's Job, from dispatch to its end.
    dispatch : Delay
        From the last precondition's read to the Job's start.
    scheduling : Delay
        Of a pod that finds room.
    image_cached : float
        Share of pods whose node has the image.
    pull_cached : Delay
        Of the image, where the node has it.
    pull : Delay
        Of the image, where the node does not have it.
    start : Delay
        From the container's start to ready.
    slow_start : Delay
        The same under `slow_readiness`.
    crash_after_start : Delay
        From the container's start to its crash, under `crash_at_start` and of flaky pods.
    crash_after_ready : Delay
        From ready to the crash, under `crash_later` and `out_of_memory`.
    harm : Delay
        From the new pods' readiness to the harm they do.
    """

    action: Delay = _fitted("action", at_most=120)
    dispatch: Delay = Delay(median=1.2, sigma=0.4, at_most=20)
    scheduling: Delay = Delay(median=0.3, sigma=0.8, at_most=20)
    image_cached: Share = 0.75
    pull_cached: Delay = Delay(median=0.4, sigma=0.4, at_most=10)
    pull: Delay = Delay(median=5.5, sigma=0.8, at_most=300)
    start: Delay = Delay(median=5.0, sigma=0.8, at_most=300)
    slow_start: Delay = Delay(median=38, sigma=0.4, at_most=600)
    crash_after_start: Delay = Delay(median=2, sigma=0.5, at_most=30)
    crash_after_ready: Delay = Delay(median=28, sigma=0.5, at_most=200)
    harm: Delay = Delay(median=25, sigma=0.5, at_most=300)


class Disturbances(Part):
    """What happens beside the cause, in good runs as in bad ones; each is a share of runs.

    Attributes
    ----------
    straggler : float
        One pod of the target crash-looped before and goes on; the service does without it.
    flaky_start : float
        One new pod crashes once or twice while it waits for a dependency, then runs.
    stuck_pod : float
        One new pod stays in ContainerCreating for good; the others suffice.
    memory_kill : float
        One pod is killed for memory once, comes back, and nobody notices.
    replicas_touched : float
        An autoscaler or a person changed the replicas before the run.
    node_not_ready : float
        One node of the pool is NotReady.
    old_restarts : float
        Some pods restarted in the days before.
    throttled : float
        The service runs at its CPU limit afterwards, and is throttled.
    flapping : float
        Pods lose and regain readiness again and again.
    unready_pod : float
        One new pod runs and never gets ready; the others suffice.
    pull_retried : float
        The first pull of one new pod's image fails, the next succeeds.
    autoscaler_fights : float
        Share of runs, on Deployments with an autoscaler, after which it sets its own number of replicas again.
    edited_meanwhile : float
        A person sets other replicas within two minutes of the action.
    capacity_moves : float
        Pods of others take the room, or make some, between the alert and the action.
    """

    straggler: Share = 0.01
    flaky_start: Share = 0.05
    stuck_pod: Share = 0.015
    memory_kill: Share = 0.015
    replicas_touched: Share = 0.02
    node_not_ready: Share = 0.03
    old_restarts: Share = 0.35
    throttled: Share = 0.04
    flapping: Share = 0.0
    unready_pod: Share = 0.005
    pull_retried: Share = 0.02
    autoscaler_fights: Share = 0.03
    edited_meanwhile: Share = 0.01
    capacity_moves: Share = 0.01


class Reading(Part):
    """How reading facts fails.

    Attributes
    ----------
    hiccup : float
        Share of looks in which one kind of objects cannot be listed (the API server timed out).
    prometheus_away : float
        Share of hours in which Prometheus does not answer.
    pods_away : float
        Share of runs during which listing pods is forbidden or times out throughout.
    """

    hiccup: Share = 0.004
    prometheus_away: Share = 0.05
    pods_away: Share = 0.003


class LabelSource(Part):
    """One way in which a run's outcome becomes known.

    Attributes
    ----------
    weight : float
        Share of the workflows labelled by it, relative to the other sources' weights.
    delay : Delay
        From the run's end to the label.
    bad_factor : float
        How many times longer it takes when the run did no good.
    wrong_effective : float
        Share of bad runs that it calls effective.
    wrong_ineffective : float
        Share of good runs that it calls ineffective.
    inconclusive : float
        Share for which it says neither.
    """

    weight: Weight
    delay: Delay
    bad_factor: Annotated[float, Field(gt=0)] = 1
    wrong_effective: Share = 0
    wrong_ineffective: Share = 0
    inconclusive: Share = 0


class Labels(Part):
    """How outcomes become known.

    Attributes
    ----------
    missing : float
        Share of the workflows whose outcome never does.
    sources : mapping of str to LabelSource
        By who says it: ``query``, ``alert``, ``probe``, ``person``, ``health``.
    """

    missing: Share = 0.05
    sources: Mapping[OutcomeSource, LabelSource] = {
        OutcomeSource.QUERY: LabelSource(
            weight=0.55,
            delay=Delay(median=360, sigma=0.2),
            wrong_effective=0.01,
            wrong_ineffective=0.01,
            inconclusive=0.03,
        ),
        OutcomeSource.ALERT: LabelSource(
            weight=0.30, delay=Delay(median=1500, sigma=0.7), wrong_effective=0.02, wrong_ineffective=0.02
        ),
        OutcomeSource.PERSON: LabelSource(
            weight=0.11, delay=Delay(median=14_400, sigma=1.0), bad_factor=1.5, wrong_effective=0.01
        ),
        OutcomeSource.HEALTH: LabelSource(weight=0.04, delay=Delay(median=300, sigma=0.1), wrong_effective=0.3),
    }


class Change(Part):
    """From a day of the world on, other values.

    Attributes
    ----------
    after_days : float, unit d
        Day of the world, from 0.
    set : mapping of str to value
        Dotted field to value, e.g. ``timing.start.median: 20s``.
    """

    after_days: Annotated[float, Field(ge=0)]
    set: Mapping[str, Any]
