"""When incidents come, to which Deployment, and with which cause.

Arrivals are a Poisson process whose rate follows day and week (drawn by thinning), with outages laid over it: one cause
that strikes a few Deployments and raises many incidents. Incidents come out in the order of their onset and each is
drawn from a stream of its own, so a world of 50 incidents is the beginning of the world of 5,000.
"""

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import cos, log, pi

from kubernaut_simulator.worlds.causes import OUTAGE_CAUSES, Cause
from kubernaut_simulator.worlds.fleet import Deployment
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.scenario_parts import DAY_S
from kubernaut_simulator.worlds.streams import Stream

HOUR_S = 3600.0
WEEK_DAYS = 7
WORKING_DAYS = 5

OPEN_S = 1800.0
"""How long an incident is taken to be open, and to want room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something goes wrong.

    Attributes
    ----------
    key : str
        Names its stream; unique in the world.
    onset_s : float, unit s
        From the world's start, which is a midnight UTC on a Monday.
    deployment : Deployment
    cause : Cause
    outage : str
        Key of the outage it belongs to; empty for one on its own.
    beside : int
        Incidents that began in the half hour before it.
    """

    key: str
    onset_s: float
    deployment: Deployment
    cause: Cause
    outage: str = ""
    beside: int = 0


def day_factor(scenario: Scenario, at_s: float) -> float:
    """Give how busy the moment is: 1 on average over a working day, higher at the peak hour."""
    traffic = scenario.traffic
    day = int(at_s // DAY_S) % WEEK_DAYS
    hour = at_s % DAY_S / HOUR_S
    rhythm = 1 + traffic.day_amplitude * cos((hour - traffic.peak_hour) / 24 * 2 * pi)
    return rhythm * (1.0 if day < WORKING_DAYS else traffic.weekend_factor)


def incidents(scenario: Scenario, fleet: Sequence[Deployment], seed: int) -> Iterator[Incident]:
    """Give incidents in the order of their onset, without end, each with how many there were just before it.

    Notes
    -----
    That number is all that one incident knows of another, so that each can be played on its own.
    """
    recent: deque[float] = deque()
    for incident in _arriving(scenario, fleet, seed):
        while recent and recent[0] < incident.onset_s - OPEN_S:
            recent.popleft()
        yield replace(incident, beside=len(recent))
        recent.append(incident.onset_s)


def _arriving(scenario: Scenario, fleet: Sequence[Deployment], seed: int) -> Iterator[Incident]:
    waiting: list[tuple[float, str, Incident]] = []
    singles = _singles(scenario, fleet, seed)
    outages = _outages(scenario, fleet, seed)
    single, outage = next(singles), next(outages, None)
    while True:
        while outage is not None and outage[0].onset_s <= single.onset_s:
            for member in outage:
                heapq.heappush(waiting, (member.onset_s, member.key, member))
            outage = next(outages, None)
        heapq.heappush(waiting, (single.onset_s, single.key, single))
        single = next(singles)
        known_until_s = min(single.onset_s, outage[0].onset_s if outage else single.onset_s)
        while waiting and waiting[0][0] <= known_until_s:
            yield heapq.heappop(waiting)[2]


def _singles(scenario: Scenario, fleet: Sequence[Deployment], seed: int) -> Iterator[Incident]:
    at_s, number = 0.0, 0
    arrivals = Stream(seed, "arrivals")
    busiest = (1 + scenario.traffic.day_amplitude) * max(1.0, scenario.traffic.weekend_factor)
    fastest = max(scenario.at(day).traffic.per_day for day in (0.0, *scenario.change_days)) * busiest / DAY_S
    while True:
        at_s = round(at_s - log(max(arrivals.uniform(), 1e-12)) / fastest, 3)
        now = scenario.at(at_s / DAY_S) if scenario.changes else scenario
        if not arrivals.happens(now.traffic.per_day / DAY_S * day_factor(now, at_s) / fastest):
            continue
        stream = Stream(seed, "single", number)
        yield Incident(
            key=f"single/{number}",
            onset_s=at_s,
            deployment=_deployment(fleet, stream),
            cause=stream.weighted(dict(now.causes)),
        )
        number += 1


def _outages(scenario: Scenario, fleet: Sequence[Deployment], seed: int) -> Iterator[list[Incident]]:
    """Give outages, each as its incidents in order, the first at its onset."""
    at_s, number = 0.0, 0
    arrivals = Stream(seed, "outages")
    if scenario.traffic.outages.per_week <= 0:
        return
    while True:
        outages = scenario.traffic.outages
        at_s -= log(max(arrivals.uniform(), 1e-12)) * WEEK_DAYS * DAY_S / outages.per_week
        stream = Stream(seed, "outage", number)
        cause = stream.pick(OUTAGE_CAUSES)
        struck = [_deployment(fleet, stream) for _ in range(outages.targets)]
        size = max(2, round(outages.incidents * stream.uniform(0.5, 1.5)))
        onsets_s = sorted(round(at_s + stream.uniform(0, outages.spread), 3) for _ in range(size))
        yield [
            Incident(
                key=f"outage/{number}/{member}",
                onset_s=onset_s,
                deployment=stream.pick(struck),
                cause=cause,
                outage=f"outage-{number}",
            )
            for member, onset_s in enumerate(onsets_s)
        ]
        number += 1


def _deployment(fleet: Sequence[Deployment], stream: Stream) -> Deployment:
    team = stream.weighted({deployment.team.name: deployment.team.weight for deployment in fleet})
    return stream.pick([deployment for deployment in fleet if deployment.team.name == team])
