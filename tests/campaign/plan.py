"""What a campaign does, from a number of incidents and a seed: faults in fixed proportions, their times, retries.

Pure: the same seed gives the same plan, whatever came of a former run of it. Of `faults.py` only the names are known.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What is wrong with an incident's workload, or happens to it during the remediation."""

    HEALTHY = "healthy"
    """Too few replicas, and nothing else: more replicas help."""

    NO_CPU = "no_cpu"
    """Pods ask for more CPU than any node has."""

    NO_MEMORY = "no_memory"
    """Pods ask for more memory than any node has."""

    WRONG_IMAGE = "wrong_image"
    """The image is nowhere."""

    PULL_SECRET_MISSING = "pull_secret_missing"
    """An image that has to be pulled with a secret, which is not there."""

    PULL_SECRET_UNUSED = "pull_secret_unused"
    """A secret is named and not there, and the image is on the node already: pods run all the same."""

    CRASH_AT_START = "crash_at_start"
    """New pods exit at once."""

    CRASH_ONCE = "crash_once"
    """New pods exit once, and run from their second start on."""

    CRASH_LATER = "crash_later"
    """New pods serve for twenty seconds and exit, again and again."""

    OOM = "oom"
    """New pods fill their memory and are killed."""

    NEVER_READY = "never_ready"
    """New pods run and do not get ready."""

    LATE_READY = "late_ready"
    """New pods get ready late: some before the deadlines, some after them, some after the outcome is looked at."""

    QUOTA = "quota"
    """A ResourceQuota refuses the additional pods."""

    NODE_SELECTOR = "node_selector"
    """No node has the label that the pods ask for."""

    NOT_CAPACITY = "not_capacity"
    """Pods are ready and answer with errors: more of them do not help."""

    HPA = "hpa"
    """A HorizontalPodAutoscaler takes the additional replicas back."""

    PERSON = "person"
    """A person changes the replicas just before the remediation does."""

    API_SLOW = "api_slow"
    """As healthy, while the API server answers late."""

    METRICS_AWAY = "metrics_away"
    """As healthy, while the metrics API is away."""


class Retry(StrEnum):
    """What comes after a first run that did not help."""

    NONE = "none"
    AS_IT_IS = "as_it_is"
    """A second run, with nothing mended."""

    MENDED = "mended"
    """A second run, after a person mended the fault."""


class Weather(StrEnum):
    """What the whole cluster suffers; incidents of one weather run together."""

    CALM = "calm"
    API_SLOW = "api_slow"
    METRICS_AWAY = "metrics_away"


WEIGHTS: dict[Fault, float] = {
    Fault.HEALTHY: 30,
    Fault.LATE_READY: 12,
    Fault.CRASH_ONCE: 6,
    Fault.PULL_SECRET_UNUSED: 6,
    Fault.PERSON: 6,
    Fault.NO_CPU: 4,
    Fault.NO_MEMORY: 3,
    Fault.WRONG_IMAGE: 4,
    Fault.PULL_SECRET_MISSING: 3,
    Fault.CRASH_AT_START: 5,
    Fault.CRASH_LATER: 5,
    Fault.OOM: 4,
    Fault.NEVER_READY: 4,
    Fault.QUOTA: 4,
    Fault.NODE_SELECTOR: 3,
    Fault.NOT_CAPACITY: 4,
    Fault.HPA: 3,
    Fault.API_SLOW: 4,
    Fault.METRICS_AWAY: 4,
}
"""About six incidents of ten can be helped, so that rates among good runs rest on more than half of a campaign."""

MENDABLE = frozenset({Fault.CRASH_AT_START, Fault.CRASH_LATER, Fault.OOM, Fault.NEVER_READY, Fault.QUOTA, Fault.HPA})
LATEST_READY_S = 40.0
_RETRIED = 0.35
_MENDED = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident.

    Attributes
    ----------
    number : int
        From 1.
    before, need : int
        Replicas that there are, and that serve the load; the remediation asks for `need`.
    delay_s : float, unit s
        `LATE_READY`: from a pod's start until it gets ready. Else 0.
    states_baseline : bool
        Whether the run says which number of replicas it expects to find.
    retry : Retry
    """

    number: int
    fault: Fault
    before: int
    need: int
    delay_s: float
    states_baseline: bool
    retry: Retry

    @property
    def id(self) -> str:
        """The incident's id, in history too."""
        return f"campaign-{self.number:04d}"

    @property
    def weather(self) -> Weather:
        """What the cluster suffers while it runs."""
        return Weather(self.fault.value) if self.fault in (Fault.API_SLOW, Fault.METRICS_AWAY) else Weather.CALM


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A campaign's incidents, in the order in which they begin: by weather, at random within one."""

    seed: int
    incidents: Sequence[Incident]

    def in_weather(self, weather: Weather) -> list[Incident]:
        """Give the incidents of one weather, in their order."""
        return [one for one in self.incidents if one.weather is weather]


def make_plan(count: int, *, seed: int) -> Plan:
    """Plan a campaign: each fault as often as its weight says, to within one."""
    draw = random.Random(seed)
    faults = shares(count)
    draw.shuffle(faults)
    incidents = [_incident(number, fault, draw) for number, fault in enumerate(faults, 1)]
    return Plan(seed=seed, incidents=tuple(incidents))


def one_of_each(*, seed: int, leave_out: frozenset[Fault] = frozenset()) -> Plan:
    """Plan one incident of each fault, without retries: for a short look."""
    draw = random.Random(seed)
    faults = [fault for fault in Fault if fault not in leave_out]
    return Plan(
        seed=seed, incidents=tuple(_incident(number, one, draw, retries=0.0) for number, one in enumerate(faults, 1))
    )


def shares(count: int) -> list[Fault]:
    """Give `count` faults in the proportions of `WEIGHTS`, by largest remainder."""
    whole = sum(WEIGHTS.values())
    exact = {fault: count * weight / whole for fault, weight in WEIGHTS.items()}
    counts = {fault: int(share) for fault, share in exact.items()}
    by_remainder = sorted(WEIGHTS, key=lambda fault: (counts[fault] - exact[fault], fault.value))
    for fault in by_remainder[: count - sum(counts.values())]:
        counts[fault] += 1
    return [fault for fault in WEIGHTS for _ in range(counts[fault])]


def _incident(number: int, fault: Fault, draw: random.Random, *, retries: float = _RETRIED) -> Incident:
    before = draw.choice((1, 1, 2))
    need = before + draw.choice((1, 1, 2))
    delay_s = round(draw.uniform(3.0, LATEST_READY_S), 1)
    states_baseline = fault is Fault.PERSON or draw.random() < 0.5
    retry = Retry.NONE
    if draw.random() < retries:
        retry = Retry.MENDED if fault in MENDABLE and draw.random() < _MENDED else Retry.AS_IT_IS
    return Incident(
        number=number,
        fault=fault,
        before=before,
        need=need,
        delay_s=delay_s if fault is Fault.LATE_READY else 0.0,
        states_baseline=states_baseline,
        retry=retry,
    )
