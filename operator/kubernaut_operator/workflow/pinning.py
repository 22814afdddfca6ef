"""What a workflow is judged by at the step level: every step's conditions, and those of the actions that undo steps.

The sets are resolved once for all steps, so that a workflow whose third step brings a policy that cannot be used does
not begin its first.
"""

from kubernaut.actions.catalogue import ACTIONS, action_definition, target_of
from kubernaut.conditions.added import AddedCondition
from kubernaut.conditions.pinning import PinChoice
from kubernaut.conditions.resolve import resolve
from kubernaut.enforcement.rollout import LastRun
from kubernaut.facts.objects import Target
from kubernaut.identity import Level
from kubernaut.resources.reading import read_workflow
from kubernaut.workflow.intents import PinWorkflow
from kubernaut.workflow.run import StepConditions, WorkflowConditions
from kubernaut.workflow.types import WorkflowPinned
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.execution.budgets import BlockBudgets
from kubernaut_operator.execution.pinning import Environments, promised
from kubernaut_operator.execution.runs import Runs
from kubernaut_operator.execution.subject import Judged
from kubernaut_operator.live_facts.reader import FactReader
from kubernaut_operator.workflow.work import WorkflowWork


class WorkflowPinning:
    """Resolves workflows' conditions."""

    def __init__(
        self, sets: ConditionSets, budgets: BlockBudgets, runs: Runs, facts: FactReader, environments: Environments
    ) -> None:
        self._sets = sets
        self._budgets = budgets
        self._runs = runs
        self._facts = facts
        self._environments = environments

    def pin(self, work: WorkflowWork, intent: PinWorkflow) -> WorkflowPinned:
        """Answer `PinWorkflow`, and put what it came to into the reconcile's hands.

        Raises
        ------
        SettingsError, PolicyError
            The custom resource, or a condition that it brings, cannot be used.
        ApiError, EvaluatorError
            It cannot be said now.
        """
        run = work.run
        choice = self._sets.choice(intent.digest)
        environment = self._environments.of(run.namespace)
        added = read_workflow(work.manifest).added
        work.forward = {
            step.number: self._judged(
                choice,
                step.action,
                namespace=run.namespace,
                environment=environment,
                added=tuple(one for one in added.get(step.number, ()) if one.id.level is Level.STEP),
            )
            for step in run.steps
        }
        undoing = {step.rollback.action for step in run.steps if step.rollback} | {
            step.action for step in run.steps if action_definition(step.action).reversible
        }
        work.undo = {
            action: self._judged(choice, action, namespace=run.namespace, environment=environment)
            for action in sorted(undoing & set(ACTIONS))
        }
        first = next(iter(work.forward.values()))
        settings = first.sets.level(Level.STEP).texts.settings
        judged = [*work.forward.values(), *work.undo.values()]
        return WorkflowPinned(
            conditions=WorkflowConditions(
                digest=choice.sets.digest,
                forward={number: self._conditions(one) for number, one in work.forward.items()},
                undo={action: self._conditions(one) for action, one in work.undo.items()},
                environment=environment,
                rollout=settings.rollout,
                budget_spent=frozenset(
                    str(condition.id)
                    for one in judged
                    for condition in one.resolution.conditions
                    if not condition.candidate and self._budgets.spent(condition, limit=promised(one, condition))
                ),
                notes=(
                    *([choice.note] if choice.note else ()),
                    *(note for one in work.forward.values() for note in one.resolution.notes),
                ),
            ),
            last_run=self._last_run(work),
            replicas=self._replicas(work) if work.status.pinned is None else {},
        )

    def _judged(
        self,
        choice: PinChoice,
        action: str,
        *,
        namespace: str,
        environment: str,
        added: tuple[AddedCondition, ...] = (),
    ) -> Judged:
        resolution = resolve(
            choice.sets.level(Level.STEP),
            action=action,
            namespace=namespace,
            environment=environment,
            added=added,
            compile_=self._sets.compile,
        )
        return Judged(sets=choice.sets, level=Level.STEP, resolution=resolution, environment=environment)

    def _conditions(self, judged: Judged) -> StepConditions:
        settings = judged.sets.level(Level.STEP).texts.settings
        return StepConditions(conditions=judged.resolution.conditions, blocked_deadline_s=settings.blocked_deadline_s)

    def _replicas(self, work: WorkflowWork) -> dict[int, int]:
        """Read how many replicas each step's target has now, before any step began."""
        found: dict[int, int] = {}
        for step in work.run.steps:
            named = target_of(step.action, step.parameters)
            seen = self._facts.read_target(Target(kind=named.kind, namespace=named.namespace, name=named.name))
            replicas = ((seen.manifest or {}).get("spec") or {}).get("replicas")
            if isinstance(replicas, int):
                found[step.number] = replicas
        return found

    def _last_run(self, work: WorkflowWork) -> LastRun | None:
        """Give the last run of the first step's action on the same target."""
        run = work.run
        if run.incident_id or work.status.pinned is not None:
            return None
        named = target_of(run.steps[0].action, run.steps[0].parameters)
        seen = self._facts.read_target(Target(kind=named.kind, namespace=named.namespace, name=named.name))
        if not seen.found:
            return None
        return self._runs.last(run.steps[0].action, seen.uid, before=work.status.started_at, but=run.uid)
