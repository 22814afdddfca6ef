"""What a run is judged by: the condition sets that it is pinned to, laid over its namespace and its custom resource.

Asked when a run leaves `pending`, and once more by each process that goes on with it: compiled policies are not stored,
only the digest of the sets that they came from.
"""

from kubernaut.conditions.resolve import resolve
from kubernaut.conditions.settings import PreSettings
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.errors import NotFoundError
from kubernaut.execution.intents import PinConditions
from kubernaut.execution.run import RunConditions
from kubernaut.execution.types import Pinned
from kubernaut.identity import Level
from kubernaut.resources.names import ENVIRONMENT_LABEL
from kubernaut.resources.reading import read_execution
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.execution.budgets import BlockBudgets
from kubernaut_operator.execution.kinds import NAMESPACES
from kubernaut_operator.execution.owners import Owners
from kubernaut_operator.execution.runs import Runs
from kubernaut_operator.execution.subject import Judged
from kubernaut_operator.execution.work import Work
from kubernaut_operator.kernel.api import Api


class Environments:
    """Reads which section of the settings holds in a namespace."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def of(self, namespace: str) -> str:
        """Give the value of the namespace's label; empty without one.

        Raises
        ------
        ApiError
            Nobody could look.
        """
        try:
            found = self._api.get(NAMESPACES, namespace)
        except NotFoundError:
            return ""
        return str((found["metadata"].get("labels") or {}).get(ENVIRONMENT_LABEL, ""))


class Pinning:
    """Resolves runs' conditions."""

    def __init__(
        self, sets: ConditionSets, budgets: BlockBudgets, runs: Runs, environments: Environments, owners: Owners
    ) -> None:
        self._environments = environments
        self._owners = owners
        self._sets = sets
        self._budgets = budgets
        self._runs = runs

    def pin(self, work: Work, intent: PinConditions) -> Pinned:
        """Answer `PinConditions`, and put what it came to into the reconcile's hands.

        Raises
        ------
        SettingsError, PolicyError
            The custom resource's own conditions cannot be used.
        ApiError, EvaluatorError
            It cannot be said now.
        """
        run = work.run
        # A step is judged by what its workflow is judged by.
        choice = self._sets.choice(intent.digest or self._owners.digest(work.manifest))
        conditions = choice.sets.level(Level.ACTION)
        environment = self._environments.of(run.namespace)
        added = [one for brought in read_execution(work.manifest).added.values() for one in brought]
        resolution = resolve(
            conditions,
            action=run.action,
            namespace=run.namespace,
            environment=environment,
            added=added,
            compile_=self._sets.compile,
        )
        work.judged = Judged(sets=choice.sets, level=Level.ACTION, resolution=resolution, environment=environment)
        settings = conditions.texts.settings
        return Pinned(
            conditions=RunConditions(
                digest=choice.sets.digest,
                conditions=resolution.conditions,
                environment=environment,
                rollout=settings.rollout,
                budget_spent=frozenset(
                    str(one.id)
                    for one in resolution.conditions
                    if not one.candidate and self._budgets.spent(one, limit=promised(work.judged, one))
                ),
                blocked_deadline_s=settings.blocked_deadline_s,
                notes=(*([choice.note] if choice.note else ()), *resolution.notes),
            ),
            last_run=None
            if run.incident_id
            else self._runs.last(run.action, intent.target_uid, before=work.status.started_at, but=run.uid),
        )


def promised(judged: Judged, condition: ResolvedCondition) -> float | None:
    """Give the upper limit of the block rate that a condition's settings promise; None where they promise none."""
    settings: PreSettings | None = judged.sets.level(judged.level).texts.settings.effective(
        condition.id, environment=judged.environment
    )
    if settings is None or settings.evidence is None or settings.evidence.block_rate is None:
        return None
    return settings.evidence.block_rate.upper
