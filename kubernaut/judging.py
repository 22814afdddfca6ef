"""From snapshots to judgements: a policy never runs on facts that are missing from what it reads.

A path that the policy reads and that could not be looked at, or that history did not keep, is an Error with its own
reason, in any list element too; only complete inputs reach the evaluator.
"""

from collections.abc import Sequence

from kubernaut.facts.snapshot import Snapshot, format_path
from kubernaut.json_types import JsonObject
from kubernaut.policy.batch import Evaluator, RowBatch, VerdictBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.dictionary import DictionaryBuilder
from kubernaut.policy.wording import clean_message
from kubernaut.verdicts import Code, Judgement, Reason


def missing_fact(policy: CompiledPolicy, snapshot: Snapshot) -> Judgement | None:
    """Say which fact that the policy reads is missing, or None when the policy may run."""
    unobserved = snapshot.first_unobserved(policy.reads)
    if unobserved is not None:
        path, why = unobserved
        detail = f": {why.detail}" if why.detail else ""
        return Judgement(
            Code.ERROR,
            Reason.FACT_UNOBSERVED,
            clean_message(f"the fact `{path}` could not be observed ({why.reason.value}{detail})"),
        )
    not_recorded = snapshot.first_not_recorded(policy.reads)
    if not_recorded is not None:
        shown = f"the fact `{format_path(not_recorded)}` was" if not_recorded else "the whole snapshot was"
        return Judgement(Code.ERROR, Reason.FACT_NOT_RECORDED, clean_message(f"{shown} not recorded"))
    return None


def judge(evaluator: Evaluator, policy: CompiledPolicy, snapshots: Sequence[Snapshot]) -> VerdictBatch:
    """Judge snapshots by one policy.

    Parameters
    ----------
    evaluator : Evaluator
    policy : CompiledPolicy
    snapshots : sequence of Snapshot

    Returns
    -------
    VerdictBatch
        One answer per snapshot, in order.

    Raises
    ------
    EvaluatorError
        The evaluator itself is not there.
    """
    missing = [missing_fact(policy, snapshot) for snapshot in snapshots]
    complete: list[JsonObject] = [
        snapshot.facts for snapshot, error in zip(snapshots, missing, strict=True) if error is None
    ]
    batch = evaluator.evaluate(policy, RowBatch(complete)) if complete else None
    judged = iter(batch.answers if batch is not None else ())
    collected = DictionaryBuilder()
    for error in missing:
        if error is not None:
            collected.add(error)
        elif batch is not None:
            collected.add(batch.dictionary[next(judged)])
    return collected.finish()
