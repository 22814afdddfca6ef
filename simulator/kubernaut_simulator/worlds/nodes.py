"""Nodes of an incident and the room on them.

The pods of everybody else are one pod a node that holds what they request together: facts count requests, not pods.
How much is left is drawn for each incident: either the additional pods fit, or only some of them do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kubernaut.errors import InputError
from kubernaut_simulator.worlds.fleet import Deployment
from kubernaut_simulator.worlds.scenario import Scenario
from kubernaut_simulator.worlds.scenario_parts import Pool
from kubernaut_simulator.worlds.streams import Stream, digest_uid

NEVER_S = float("inf")


class Move(NamedTuple):
    """Pods of others that come to a node, or leave it (negative amounts), in the course of an incident.

    Attributes
    ----------
    at_s : float, unit s
    cpu_m, memory_mi : int
    """

    at_s: float
    cpu_m: int
    memory_mi: int


CRUMBS = (0.1, 0.95)
"""Left on a full node, as a share of one pod's request."""

FULL = (0.1, 0.3)
"""Share of memory left where CPU is the scarce one."""

ROOMY = (0.1, 0.4)
"""Share of a node that is left otherwise."""


@dataclass(slots=True, kw_only=True)
class Node:
    """A node over time.

    Attributes
    ----------
    others_cpu_m, others_memory_mi : int
        What the pods of others request.
    free_cpu_m, free_memory_mi : int
        What is left for the target; scheduling takes it.
    joined_s : float, unit s
        Nodes that were always there: minus infinity.
    lost : tuple of float
        From when to when it is NotReady.
    move : Move or None
        What others do on it later.
    moved : bool
        Whether what is left for the target has followed that move.
    """

    name: str
    uid: str
    pool: Pool
    free_cpu_m: int
    free_memory_mi: int
    others_cpu_m: int = 0
    others_memory_mi: int = 0
    joined_s: float = -NEVER_S
    lost: tuple[float, float] = (NEVER_S, NEVER_S)
    move: Move | None = None
    moved: bool = False

    def there(self, at_s: float) -> bool:
        """Whether it has joined."""
        return at_s >= self.joined_s

    def ready(self, at_s: float) -> bool:
        """Whether its kubelet is heard of."""
        return not self.lost[0] <= at_s < self.lost[1]

    def has_moved(self, at_s: float) -> bool:
        """Whether others have come or left by a moment."""
        return self.move is not None and at_s >= self.move.at_s

    def follow(self, at_s: float) -> None:
        """Let what is left for the target follow the move of others, once it has happened."""
        if self.move is not None and not self.moved and self.has_moved(at_s):
            self.moved = True
            self.free_cpu_m -= self.move.cpu_m
            self.free_memory_mi -= self.move.memory_mi

    def fits(self, deployment: Deployment) -> int:
        """Give how many pods of the Deployment fit into what is left."""
        return min(self.free_cpu_m // deployment.cpu_m, self.free_memory_mi // deployment.memory_mi)

    def make_way(self, deployment: Deployment) -> None:
        """Let the pods of others give way to one pod of the target that has been there before the incident."""
        self.others_cpu_m = max(0, self.others_cpu_m - deployment.cpu_m)
        self.others_memory_mi = max(0, self.others_memory_mi - deployment.memory_mi)

    def take(self, deployment: Deployment, pods: int = 1) -> None:
        """Take the room of `pods` pods; negative gives it back."""
        self.free_cpu_m -= pods * deployment.cpu_m
        self.free_memory_mi -= pods * deployment.memory_mi
        if self.move is not None and not self.moved:
            # Who comes later finds only what is left.
            cpu_m, memory_mi = max(0, self.free_cpu_m), max(0, self.free_memory_mi)
            self.move = Move(self.move.at_s, min(self.move.cpu_m, cpu_m), min(self.move.memory_mi, memory_mi))


def make_nodes(scenario: Scenario, seed: int) -> list[Node]:
    """Give the nodes of every pool, empty."""
    return [
        Node(
            name=f"{pool.name}-{number}",
            uid=digest_uid(seed, "node", pool.name, number),
            pool=pool,
            free_cpu_m=pool.cpu_m,
            free_memory_mi=pool.memory_mi,
        )
        for pool in scenario.pools
        for number in range(pool.nodes)
    ]


def added_node(pool: Pool, *, seed: int, key: str, joined_s: float) -> Node:
    """Give a node that is added because pods wait for room."""
    return Node(
        name=f"{pool.name}-added-{digest_uid(seed, 'added', key)[:5]}",
        uid=digest_uid(seed, "added-node", key),
        pool=pool,
        free_cpu_m=pool.cpu_m,
        free_memory_mi=pool.memory_mi,
        joined_s=joined_s,
    )


def fill(
    nodes: Sequence[Node], deployment: Deployment, *, room_for: int, exactly: bool, at_s: float, stream: Stream
) -> None:
    """Let the pods of others take what the target shall not have.

    Parameters
    ----------
    nodes : sequence of Node
        With the target's own pods taken already.
    room_for : int
        Pods of the target that shall find room on the nodes of its pool.
    exactly : bool
        No more than that fit; otherwise at least that many.
    at_s : float, unit s

    Raises
    ------
    InputError
        The pool is too small for the pods even with nobody else on it.

    Notes
    -----
    A full node still has crumbs: less than one pod's requests of CPU. Their sum can exceed what the pods need, which
    is why judging the cluster's sum is not judging whether they fit.
    """
    for node in nodes:
        if node.pool is deployment.pool and exactly:
            cpu_m = min(int(deployment.cpu_m * stream.uniform(*CRUMBS)), node.free_cpu_m)
            memory_mi = int(node.free_memory_mi * stream.uniform(*FULL))
        else:
            cpu_m = int(node.free_cpu_m * stream.uniform(*ROOMY))
            memory_mi = int(node.free_memory_mi * stream.uniform(*ROOMY))
        _leave(node, cpu_m, memory_mi)
    own = [node for node in nodes if node.pool is deployment.pool and node.ready(at_s)]
    while own and sum(node.fits(deployment) for node in own) < room_for:
        open_nodes = [
            node
            for node in own
            if node.others_cpu_m >= deployment.cpu_m and node.others_memory_mi >= deployment.memory_mi
        ]
        if not open_nodes:
            raise InputError(
                f"pools: {deployment.pool.name} is too small for {room_for} more pods of {deployment.cpu_m}m and "
                f"{deployment.memory_mi}Mi; give it more nodes, or ask for fewer additional replicas"
            )
        node = stream.pick(open_nodes)
        memory_mi = max(node.free_memory_mi, deployment.memory_mi * (node.fits(deployment) + 1))
        _leave(node, node.free_cpu_m + deployment.cpu_m, memory_mi)


def _leave(node: Node, cpu_m: int, memory_mi: int) -> None:
    """Let others take or give back until this much is free."""
    node.others_cpu_m += node.free_cpu_m - cpu_m
    node.others_memory_mi += node.free_memory_mi - memory_mi
    node.free_cpu_m, node.free_memory_mi = cpu_m, memory_mi
