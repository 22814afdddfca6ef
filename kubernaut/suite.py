"""Judge an action's whole suite, both levels, on one look at the cluster.

What `kubernaut check` answers for a dump, with the same resolution, the same extraction and the same judging as a run.
A postcondition judged on a still picture says only whether it holds there: without time there is no deadline, so one
that does not hold is "not yet".
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kubernaut.conditions.compiled_set import Compile, CompiledSet
from kubernaut.conditions.custom_facts import CustomFact
from kubernaut.conditions.custom_values import custom_names
from kubernaut.conditions.inputs import CustomValues, RunContext, policy_input
from kubernaut.conditions.resolve import resolve
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.facts.snapshot import Snapshot
from kubernaut.identity import Level, Phase
from kubernaut.json_types import JsonObject
from kubernaut.judging import judge
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.verdicts import Attempt, Judgement
from kubernaut.verification.precondition import attempt_of

ReadCustomFacts: TypeAlias = Callable[[Mapping[str, CustomFact], Collection[str] | None], CustomValues]
"""Gives custom facts, from what defines them and the names that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCondition:
    """One condition on one look.

    Attributes
    ----------
    condition : ResolvedCondition
    policy : CompiledPolicy
    judgement : Judgement
    seen : Snapshot
        What the policy saw.
    """

    condition: ResolvedCondition
    policy: CompiledPolicy
    judgement: Judgement
    seen: Snapshot

    @property
    def attempt(self) -> Attempt:
        """Passed, Failed or Error; NotYet for a postcondition that does not hold on this look."""
        return attempt_of(self.judgement, precondition=self.condition.id.phase is Phase.PRE)


def check_suite(
    snapshot: Snapshot,
    *,
    action: str,
    parameters: JsonObject,
    conditions: Mapping[Level, CompiledSet],
    namespace: str,
    environment: str = "",
    evaluator: Evaluator,
    compile_: Compile,
    custom: ReadCustomFacts | None = None,
) -> Sequence[CheckedCondition]:
    """Judge every condition of an action's suite on one snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        Registered facts of one look.
    parameters : JsonObject
        Checked parameters in the guide's nested form.
    namespace : str
        Of the target.
    environment : str
        Value of the namespace's `kubernaut.io/environment` label; empty without one.
    custom : callable or None
        Reads the custom facts of a level's facts.yaml that a policy names (None: all); None leaves what the snapshot
        has.

    Returns
    -------
    sequence of CheckedCondition
        Step level first, preconditions before postconditions.

    Raises
    ------
    EvaluatorError
        The evaluator itself is not there.
    """
    checked = []
    for level in Level:
        if level not in conditions:
            continue
        resolution = resolve(
            conditions[level], action=action, namespace=namespace, environment=environment, compile_=compile_
        )
        for condition in resolution.conditions:
            policy = resolution.policy(condition)
            names = custom_names(policy.reads)
            defined = conditions[level].texts.custom_facts.facts
            seen = policy_input(
                snapshot,
                condition=condition.id,
                context=RunContext(step=1, incident=""),
                parameters=parameters,
                settings=condition.settings,
                custom=custom(defined, names) if custom is not None and names != frozenset() else None,
            )
            judgement = judge(evaluator, policy, [seen])[0]
            checked.append(CheckedCondition(condition=condition, policy=policy, judgement=judgement, seen=seen))
    return checked
