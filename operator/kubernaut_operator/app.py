"""The operator as one process: everything made once, handed to each other, run by the kernel's manager.

Read it to see what hangs on what. Requests that change something go through an `Api` that asks before each whether this
replica still leads; the leader's Lease itself does not.
"""

import os
import socket
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from uuid import uuid4

from prometheus_client import CollectorRegistry, disable_created_metrics

from kubernaut.errors import SettingsError
from kubernaut.execution.job import EXECUTION_LABEL, JobSettings
from kubernaut_operator.condition_sets.compiling import PolicyCompiler
from kubernaut_operator.condition_sets.evaluator import OPERATOR_LIMITS, EvaluatorPool
from kubernaut_operator.condition_sets.names import ConfigMapNames
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.condition_sets.wiring import keep_up_to_date
from kubernaut_operator.execution.access import AccessReview
from kubernaut_operator.execution.admission import AdmissionGuard
from kubernaut_operator.execution.budgets import BlockBudgets
from kubernaut_operator.execution.changing import Changing
from kubernaut_operator.execution.cluster import Cluster
from kubernaut_operator.execution.controller import ExecutionController
from kubernaut_operator.execution.dry_run import DryRuns
from kubernaut_operator.execution.finalizers import Finalizers
from kubernaut_operator.execution.jobs import Jobs
from kubernaut_operator.execution.kinds import JOBS, KUBERNETES_EXECUTIONS, WORKFLOW_EXECUTIONS
from kubernaut_operator.execution.locks import LOCK_SELECTOR, TargetLocks
from kubernaut_operator.execution.looking import Looking
from kubernaut_operator.execution.noting import Noting
from kubernaut_operator.execution.observing import ExecutionObserver
from kubernaut_operator.execution.owners import Owners
from kubernaut_operator.execution.performing import Performer
from kubernaut_operator.execution.pinning import Environments, Pinning
from kubernaut_operator.execution.runs import Runs
from kubernaut_operator.execution.stage_noting import StageNoting
from kubernaut_operator.execution.sweeping import SWEEP, Sweeper
from kubernaut_operator.kernel.api import Manifest, connect
from kubernaut_operator.kernel.controller import Controller
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.leadership import Leadership
from kubernaut_operator.kernel.logs import log_as_json
from kubernaut_operator.kernel.manager import Manager, leave_at_once
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.kernel.resources import LEASES, Key, Resource
from kubernaut_operator.kernel.watching import Watcher
from kubernaut_operator.live_facts.allowed_kinds import custom_kinds
from kubernaut_operator.live_facts.prometheus import Prometheus
from kubernaut_operator.live_facts.reader import FactReader
from kubernaut_operator.manifests.admission import ANNOTATIONS, TARGETS
from kubernaut_operator.metrics import ExecutionMetrics, PolicyMetrics, watch_budgets, watch_history
from kubernaut_operator.recording.recorder import Recorder
from kubernaut_operator.recording.serving import HistoryEndpoint
from kubernaut_operator.recording.settings import MIB, RecorderSettings
from kubernaut_operator.recording.telling import tell_on_pod
from kubernaut_operator.settings import Settings
from kubernaut_operator.workflow.children import Children
from kubernaut_operator.workflow.controller import WorkflowController
from kubernaut_operator.workflow.noting import WorkflowNoting
from kubernaut_operator.workflow.outcomes import Outcomes
from kubernaut_operator.workflow.performing import WorkflowPerformer
from kubernaut_operator.workflow.pinning import WorkflowPinning

CONTROLLER = "kubernaut.io/operator"
"""Who Events say they are from."""

_DAY_S = 86_400.0


def run_operator(settings: Settings) -> int:
    """Run until the process is asked to end, or may not go on, and give the exit code.

    Raises
    ------
    ApiError
        There is no way to the API server.
    SettingsError
        The settings name something that cannot be used.
    """
    log_as_json(settings.log_level)
    with ExitStack() as closing:
        return _Operator(settings, closing).manager.run()


class _Operator:
    """Everything that one process consists of."""

    def __init__(self, settings: Settings, closing: ExitStack) -> None:
        identity = os.environ.get("POD_NAME") or socket.gethostname()
        self._settings = settings
        self._random = Random()  # noqa: S311 - spreads watches, decides nothing
        # A second series beside each counter that says when it began; nobody asks, and it doubles their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the client ships no types for it
        self._registry = CollectorRegistry()
        self._metrics = KernelMetrics(self._registry)
        self._observer: ExecutionObserver = ExecutionMetrics(self._registry)
        plain = connect(settings.connection.kubeconfig, context=settings.connection.context).counted(
            self._metrics.requested
        )
        leader = settings.leader
        leadership = (
            Leadership(
                plain,
                namespace=leader.namespace,
                name=leader.name,
                identity=f"{identity}_{uuid4().hex[:8]}",
                on_lost=leave_at_once,
            )
            if leader.elect
            else None
        )
        self._may_write: Callable[[], None] | None = None if leadership is None else leadership.check
        self._api = plain if self._may_write is None else plain.guarded(self._may_write)
        self._kinds = custom_kinds(plain, settings.facts.custom_kinds)
        self._events = EventRecorder(self._api, controller=CONTROLLER, instance=identity)
        self._sets = self._condition_sets(closing)
        self._evaluator = EvaluatorPool(size=settings.worker.count, socket_path=settings.worker.socket)
        closing.callback(self._evaluator.close)
        self._cluster = Cluster(self._api)
        self._recorder = self._history(closing, identity)
        self._controllers: list[Controller] = []
        self._watchers: list[Watcher] = []
        self._wire(closing)
        self.manager = Manager(
            registry=self._registry,
            controllers=self._controllers,
            watchers=self._watchers,
            leadership=leadership,
            host=settings.endpoints.host,
            port=settings.endpoints.port,
            healthy={} if self._recorder is None else {"recorder": self._recorder.ended},
            ready={"policy worker": self._evaluator.available},
        )

    def _condition_sets(self, closing: ExitStack) -> ConditionSets:
        settings = self._settings
        compiler = PolicyCompiler(limits=OPERATOR_LIMITS, socket_path=settings.worker.socket)
        closing.callback(compiler.close)
        maps = settings.config_maps
        return ConditionSets(
            self._api,
            compile_=compiler,
            names=ConfigMapNames(namespace=maps.namespace, step=maps.step, action=maps.action, safety=maps.safety),
            events=self._events,
            allowed_kinds=self._kinds,
            observer=PolicyMetrics(self._registry),
        )

    def _history(self, closing: ExitStack, identity: str) -> Recorder | None:
        kept = self._settings.recorder
        if kept.folder is None:
            if kept.port is not None:
                raise SettingsError("--history-port serves what --history-folder holds; give both or neither")
            return None
        recorder = Recorder(
            RecorderSettings(
                folder=kept.folder, pod=identity, total_bytes=kept.total_mib * MIB, keep_s=kept.max_age_days * _DAY_S
            ),
            may_write=self._may_write,
            tell=tell_on_pod(self._events, os.environ),
        )
        closing.callback(recorder.close)
        watch_history(self._registry, recorder.figures)
        if kept.port is not None:
            endpoint = HistoryEndpoint(kept.folder, pod=identity, port=kept.port, cluster=self._cluster.uid)
            closing.callback(endpoint.end)
            # At once, and not with the lead: what a replica recorded when it led stands on its own volume only.
            endpoint.start()
        return recorder

    def _wire(self, closing: ExitStack) -> None:
        settings, api = self._settings, self._api
        watched, actions = settings.watch, settings.actions
        facts = FactReader(api, prometheus_url=settings.facts.prometheus_url or "", custom_kinds=self._kinds)
        closing.callback(facts.close)
        looking = Looking(facts, self._evaluator, observer=self._observer)
        closing.callback(looking.close)
        jobs = Jobs(
            api,
            settings=JobSettings(
                image=actions.image, namespace=actions.namespace, image_pull_policy=actions.image_pull_policy
            ),
            keep_finished_s=actions.keep_finished_s,
        )
        locks = TargetLocks(
            api, namespace=actions.namespace, executions=KUBERNETES_EXECUTIONS, is_through=_has_result, runs=jobs.runs
        )
        budgets = BlockBudgets(api, namespace=settings.config_maps.namespace, name=settings.config_maps.budgets)
        watch_budgets(self._registry, budgets.kept)
        shared = _Shared(
            facts=facts,
            looking=looking,
            runs=Runs(api, namespaces=watched.namespaces),
            budgets=budgets,
            environments=Environments(api),
            access=AccessReview(api, namespace=actions.namespace),
            targets=AdmissionGuard(api, TARGETS),
            annotations=AdmissionGuard(api, ANNOTATIONS),
            stages=StageNoting(recorder=self._recorder, budgets=budgets, observer=self._observer),
            cluster=self._cluster,
        )
        executions = self._executions(shared, jobs, locks)
        workflows, reconciler = self._workflows(shared)
        sweeping = Controller(
            "sweeper", Sweeper(api, jobs, locks, every_s=watched.sweep_s).reconcile, workers=1, metrics=self._metrics
        )
        sweeping.queue.add_after(SWEEP, watched.sweep_s)
        sets, config_maps = keep_up_to_date(api, self._sets, metrics=self._metrics, random=self._random)
        self._controllers += [executions, workflows, sweeping, sets]
        of_steps = _waking(workflows, reconciler.of_execution)
        runs = shared.runs

        def of_blocked_steps(workflow: Key) -> None:
            # An override on a workflow holds for its steps' executions, which wait for a look of their own.
            for key in runs.blocked_in(workflow):
                executions.queue.add(key)

        self._watchers += [
            config_maps,
            *(
                watcher
                for namespace in watched.namespaces or ("",)
                for watcher in (
                    self._watch(WORKFLOW_EXECUTIONS, _both(workflows.queue.add, of_blocked_steps), namespace=namespace),
                    self._watch(KUBERNETES_EXECUTIONS, _both(executions.queue.add, of_steps), namespace=namespace),
                )
            ),
            self._watch(JOBS, _waking(executions, runs.of_job), namespace=actions.namespace, labels=EXECUTION_LABEL),
            self._watch(
                LEASES, _waking(executions, runs.waiting_for), namespace=actions.namespace, labels=LOCK_SELECTOR
            ),
        ]

    def _executions(self, shared: "_Shared", jobs: Jobs, locks: TargetLocks) -> Controller:
        api, owners = self._api, Owners(self._api)
        performer = Performer(
            pinning=Pinning(self._sets, shared.budgets, shared.runs, shared.environments, owners),
            access=shared.access,
            targets=shared.targets,
            looking=shared.looking,
            sets=self._sets,
            changing=Changing(shared.facts, DryRuns(api, namespace=self._settings.actions.namespace)),
            locks=locks,
            jobs=jobs,
            finalizers=Finalizers(api),
            noting=Noting(stages=shared.stages, events=self._events, cluster=shared.cluster),
        )
        executions: Controller
        reconciler = ExecutionController(
            api,
            performer,
            sets=self._sets,
            jobs=jobs,
            runs=shared.runs,
            guard=shared.annotations,
            owners=owners,
            events=self._events,
            wake=lambda key: executions.queue.add(key),  # noqa: PLW0108 - made two lines below
        )
        executions = Controller(
            "kubernetesexecution", reconciler.reconcile, workers=self._settings.watch.workers, metrics=self._metrics
        )
        return executions

    def _workflows(self, shared: "_Shared") -> tuple[Controller, WorkflowController]:
        api, url = self._api, self._settings.facts.prometheus_url
        children = Children(api)
        performer = WorkflowPerformer(
            pinning=WorkflowPinning(self._sets, shared.budgets, shared.runs, shared.facts, shared.environments),
            access=shared.access,
            targets=shared.targets,
            looking=shared.looking,
            children=children,
            finalizers=Finalizers(api, WORKFLOW_EXECUTIONS),
            outcomes=Outcomes(Prometheus(url) if url else None),
            noting=WorkflowNoting(stages=shared.stages, events=self._events, cluster=shared.cluster),
        )
        reconciler = WorkflowController(
            api,
            performer,
            children=children,
            sets=self._sets,
            guard=shared.annotations,
            events=self._events,
        )
        workers = self._settings.watch.workers
        return Controller("workflowexecution", reconciler.reconcile, workers=workers, metrics=self._metrics), reconciler

    def _watch(self, resource: Resource, wake: Callable[[Key], None], *, namespace: str, labels: str = "") -> Watcher:
        return Watcher(self._api, resource, wake, namespace=namespace, labels=labels, random=self._random)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What executions and workflows are both made of."""

    facts: FactReader
    looking: Looking
    runs: Runs
    budgets: BlockBudgets
    environments: Environments
    access: AccessReview
    targets: AdmissionGuard
    annotations: AdmissionGuard
    stages: StageNoting
    cluster: Cluster


def _both(first: Callable[[Key], None], second: Callable[[Key], None]) -> Callable[[Key], None]:
    """Give what wakes both of an execution and the workflow that it is a step of."""

    def wake(key: Key) -> None:
        first(key)
        second(key)

    return wake


def _has_result(execution: Manifest) -> bool:
    return bool((execution.get("status") or {}).get("result"))


def _waking(executions: Controller, whose: Callable[[str], Iterable[Key]]) -> Callable[[Key], None]:
    """Give what wakes the executions that a changed object is of interest to."""

    def wake(changed: Key) -> None:
        for key in whose(changed.name):
            executions.queue.add(key)

    return wake
