"""What others do around an action: pods of other workloads take room, an autoscaler and people set replicas.

Each is drawn from a stream of its own, so that a scenario without them gives the same world but for them. What they do
goes through `TargetLife.scale` and the nodes, as the action does; nobody here knows what is judged.
"""

from kubernaut_simulator.worlds.nodes import CRUMBS, Move, Node
from kubernaut_simulator.worlds.streams import Stream
from kubernaut_simulator.worlds.target_life import TargetLife

SYNC_S = (1.0, 16.0)
"""A HorizontalPodAutoscaler looks every 15 s, and at once undoes what is above all that it asked for lately."""

EDIT_S = (5.0, 120.0)
"""From the action to a person's change of the same field."""

MOVE_S = (-60.0, 4.0)
"""From the run's beginning to the move of others: before the preconditions look, or between them and the action."""


def answer_action(life: TargetLife, at_s: float, *, number: int) -> None:
    """Let an autoscaler and people set other replicas after a run's action.

    Parameters
    ----------
    at_s : float, unit s
        When the action changed the replicas.
    number : int
        Of the run.
    """
    stream = life.stream.child("meanwhile", number)
    shares = life.scenario.disturbances
    fights, edits = stream.happens(shares.autoscaler_fights), stream.happens(shares.edited_meanwhile)
    answers: list[tuple[float, str, int]] = []
    asked = life.replicas(at_s)
    if fights and life.deployment.autoscaled and asked > life.baseline:
        own_number = stream.integer(life.baseline, asked - 1)
        answers.append((round(at_s + stream.uniform(*SYNC_S), 3), "autoscaler_fights", own_number))
    if edits:
        step = stream.pick((-2, -1, 1, 2))
        answers.append((round(at_s + stream.uniform(*EDIT_S), 3), "edited_meanwhile", max(1, asked + step)))
    for then_s, what, replicas in sorted(answers):
        life.beside.append(what)
        life.scale(then_s, replicas)


def move_room(life: TargetLife, additional: int, run_s: float) -> None:
    """Let pods of others take the room for the additional pods, or make it where there was none.

    Parameters
    ----------
    run_s : float, unit s
        When the first run begins.
    """
    stream = life.stream.child("capacity moves")
    if not stream.happens(life.scenario.disturbances.capacity_moves):
        return
    at_s = round(run_s + stream.uniform(*MOVE_S), 3)
    own = [node for node in life.nodes if node.pool is life.deployment.pool and node.ready(at_s)]
    if life.shortage:
        made = _make_room(life, own, additional, at_s, stream)
    else:
        made = _take_room(life, own, stream.integer(0, additional - 1), at_s, stream)
    if made:
        life.beside.append("capacity_moves")
        life.shortage = not life.shortage


def _take_room(life: TargetLife, own: list[Node], leave: int, at_s: float, stream: Stream) -> bool:
    """Let others take all room of the pool but that of `leave` pods and crumbs."""
    for node in own:
        stays = min(node.fits(life.deployment), leave)
        leave -= stays
        crumbs_m = int(life.deployment.cpu_m * stream.uniform(*CRUMBS))
        taken_m = max(0, node.free_cpu_m - stays * life.deployment.cpu_m - crumbs_m)
        node.move = Move(at_s, taken_m, 0)
    return True


def _make_room(life: TargetLife, own: list[Node], additional: int, at_s: float, stream: Stream) -> bool:
    """Let pods of others leave a node that is large enough; False where none is."""
    cpu_m, memory_mi = additional * life.deployment.cpu_m, additional * life.deployment.memory_mi
    large = [node for node in own if node.others_cpu_m >= cpu_m and node.others_memory_mi >= memory_mi]
    if not large:
        return False
    stream.pick(large).move = Move(at_s, -cpu_m, -memory_mi)
    return True
