"""What of a look goes into history: the paths that the policy read, or everything (`recordFacts` of settings.yaml).

The operator and the generator of worlds record through the same function, so that a record replays to the verdict that
was reached live, or says that a path was not recorded.
"""

from functools import lru_cache
from typing import Literal

from kubernaut.facts.snapshot import ReadPath, Snapshot, overlap, parse_path
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.projecting import projection


def kept_facts(snapshot: Snapshot, policy: CompiledPolicy, *, record_facts: Literal["read", "all"]) -> Snapshot:
    """Cut a policy's input down to what is recorded of it.

    Parameters
    ----------
    snapshot : Snapshot
        The whole input, as the policy sees it.
    policy : CompiledPolicy
    record_facts : str
        ``read`` keeps the paths that the policy reads and what is unobserved among them; ``all`` keeps everything.
    """
    if record_facts == "all" or policy.reads_everything:
        return snapshot
    return Snapshot(
        facts=projection(policy.reads)(snapshot.facts),
        unobserved={path: why for path, why in snapshot.unobserved.items() if _is_read(policy.reads, path)},
        recorded=policy.reads,
    )


@lru_cache(maxsize=8192)
def _is_read(reads: tuple[ReadPath, ...], path: str) -> bool:
    parsed = parse_path(path)
    return any(overlap(read, parsed) for read in reads)
