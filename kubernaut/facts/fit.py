"""How many identical pods find a node, node by node.

A sum over the cluster lies: ten nodes with half a core free each do not run one pod of two cores.
Identical pods make the exact answer cheap, because each node's count is independent of the others; only
required anti-affinity of the pods among themselves ties nodes together, through topology domains.
"""

from collections.abc import Mapping, Sequence

from kubernaut.errors import FactsError
from kubernaut.facts.constraints import Apart, HostPort, host_ports
from kubernaut.facts.nodes import PODS, Load, Node, free
from kubernaut.facts.requests import ZERO, Amounts


def count_on_node(requests: Amounts, room: Amounts, slots: int) -> int:
    """Give how many pods with these requests fit into this room.

    Parameters
    ----------
    requests, room : mapping of str to Fraction
        A resource that the node does not have has no room.
    slots : int
        How many more pods the node takes at all.
    """
    counts = [int(room.get(name, ZERO) // amount) for name, amount in requests.items() if amount > 0]
    return max(0, min([slots, *counts]))


def fitting(
    nodes: Sequence[Node],
    loads: Mapping[str, Load],
    *,
    requests: Amounts,
    ports: Sequence[HostPort],
    apart: Sequence[Apart],
    all_nodes: Sequence[Node],
) -> int:
    """Give how many pods find a place.

    Parameters
    ----------
    nodes : sequence of Node
        Those that take the pod, room aside.
    loads : mapping of str to Load
        What is on each node, by name.
    ports : sequence of HostPort
        A pod with any takes its node for itself.
    apart : sequence of Apart
        Required anti-affinity.
    all_nodes : sequence of Node
        Every node, so that pods on nodes that take no more still hold their domains.

    Raises
    ------
    FactsError
        What a node can give cannot be read.

    Notes
    -----
    Domains of several anti-affinities are taken in order of node names, which is best when one topology
    lies within the other (host within zone), and a lower bound otherwise.
    """
    held = _held_domains(all_nodes, loads, apart)
    total = 0
    for node in nodes:
        load = loads.get(node.name)
        count = _room_for(node, load, requests=requests, ports=ports)
        domains = {
            (index, node.labels[term.topology_key])
            for index, term in enumerate(apart)
            if term.topology_key in node.labels
        }
        if count == 0 or domains & held:
            continue
        own = {domain for domain in domains if apart[domain[0]].repels_itself}
        if own:
            count = 1
            held |= own
        total += count
    return total


def _room_for(node: Node, load: Load | None, *, requests: Amounts, ports: Sequence[HostPort]) -> int:
    room = free(node, load)
    if PODS not in room:
        raise FactsError(f"{node.fields.at('status', 'allocatable').path(PODS)} is missing")
    count = count_on_node(requests, room, int(room[PODS]))
    if not ports:
        return count
    taken = [port for pod in (load.pods if load else ()) for port in host_ports(pod.spec)]
    if any(port.conflicts(other) for port in ports for other in taken):
        return 0
    return min(count, 1)


def _held_domains(nodes: Sequence[Node], loads: Mapping[str, Load], apart: Sequence[Apart]) -> set[tuple[int, str]]:
    return {
        (index, node.labels[term.topology_key])
        for node in nodes
        if node.name in loads
        for index, term in enumerate(apart)
        if term.topology_key in node.labels
        if any(term.repels(pod.namespace, pod.labels) for pod in loads[node.name].pods)
    }
