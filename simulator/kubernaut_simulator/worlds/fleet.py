"""The Deployments of a world and the nodes they run on: what does not change from incident to incident."""

from dataclasses import dataclass

from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.scenario_parts import Pool, Team
from kubernaut_simulator.worlds.streams import Stream, digest_uid

_WORDS = (
    "cart", "catalog", "pricing", "ledger", "gateway", "thumbs", "index", "rank", "query", "session", "stock", "mail",
    "feed", "player", "invoice", "tax", "fraud", "wallet", "upload", "encode", "profile", "search", "banner", "export",
)  # fmt: skip

_CPU_REQUESTS_M = (100, 200, 250, 400, 500, 750, 1000, 1500)
_MEMORY_REQUESTS_MI = (128, 256, 384, 512, 768, 1024, 2048, 3072)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A Deployment at rest.

    Attributes
    ----------
    replicas : int
        Between incidents; whoever changed them has put them back.
    cpu_m, memory_mi : int
        Requests of one pod; the memory limit is the request.
    pull_secret : str
        Empty when it names none.
    quota, autoscaled : bool
    """

    name: str
    namespace: str
    uid: str
    team: Team
    environment: str
    pool: Pool
    replicas: int
    cpu_m: int
    memory_mi: int
    pull_secret: str
    quota: bool
    autoscaled: bool


def make_fleet(scenario: Scenario, seed: int) -> tuple[Deployment, ...]:
    """Draw the Deployments of every team."""
    return tuple(
        _deployment(scenario, team, number, seed) for team in scenario.teams for number in range(team.deployments)
    )


def _deployment(scenario: Scenario, team: Team, number: int, seed: int) -> Deployment:
    stream = Stream(seed, "fleet", team.name, number)
    word = _WORDS[(number + stream.integer(0, 3) * len(scenario.teams)) % len(_WORDS)]
    environment = stream.weighted(dict(team.environments))
    namespace = team.name if environment == "production" else f"{team.name}-{environment}"
    size = stream.integer(0, len(_CPU_REQUESTS_M) - 1)
    pool = scenario.pools[stream.weighted({index: pool.weight for index, pool in enumerate(scenario.pools)})]
    return Deployment(
        name=f"{word}-{number}",
        namespace=namespace,
        uid=digest_uid(seed, "deployment", team.name, number),
        team=team,
        environment=environment,
        pool=pool,
        replicas=stream.integer(2, 7),
        cpu_m=_CPU_REQUESTS_M[size],
        memory_mi=_MEMORY_REQUESTS_MI[min(size + stream.integer(0, 1), len(_MEMORY_REQUESTS_MI) - 1)],
        pull_secret=f"{team.name}-registry" if stream.happens(team.pull_secrets) else "",
        quota=Stream(seed, "namespace", namespace).happens(team.quota),
        autoscaled=stream.happens(team.autoscaled),
    )
