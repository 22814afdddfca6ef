"""The operator as one process: everything made once, handed to each other, run by the kernel's manager.

Read it to see what hangs on what. Requests that change something go through an `Api` that asks before each whether this
replica still leads; the leader's Lease itself does not.
"""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from random import Random
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry

from kubernaut.execution.crd_status import is_over
from kubernaut_operator.condition_sets.compiling import PolicyCompiler
from kubernaut_operator.condition_sets.evaluator import OPERATOR_LIMITS, EvaluatorPool
from kubernaut_operator.condition_sets.names import ConfigMapNames
from kubernaut_operator.condition_sets.sets import ConditionSets
from kubernaut_operator.condition_sets.wiring import keep_up_to_date
from kubernaut_operator.execution.access import AccessReview
from kubernaut_operator.execution.admission import OverrideGuard
from kubernaut_operator.execution.budgets import BlockBudgets
from kubernaut_operator.execution.changing import Changing
from kubernaut_operator.execution.controller import ExecutionController
from kubernaut_operator.execution.dry_run import DryRuns
from kubernaut_operator.execution.finalizers import Finalizers
from kubernaut_operator.execution.jobs import Jobs
from kubernaut_operator.execution.kinds import JOBS, KUBERNETES_EXECUTIONS, NAMESPACES
from kubernaut_operator.execution.locks import LOCK_SELECTOR, TargetLocks
from kubernaut_operator.execution.looking import Looking
from kubernaut_operator.execution.noting import Noting
from kubernaut_operator.execution.observing import ExecutionObserver, NoObserver
from kubernaut_operator.execution.performing import Performer
from kubernaut_operator.execution.pinning import Pinning
from kubernaut_operator.execution.runs import Runs
from kubernaut_operator.execution.sweeping import Sweeper
from kubernaut_operator.kernel.api import Api, connect
from kubernaut_operator.kernel.controller import Controller
from kubernaut_operator.kernel.events import EventRecorder
from kubernaut_operator.kernel.leadership import Leadership
from kubernaut_operator.kernel.logs import log_as_json
from kubernaut_operator.kernel.manager import Manager, leave_at_once
from kubernaut_operator.kernel.metrics import KernelMetrics
from kubernaut_operator.kernel.resources import LEASES, Key
from kubernaut_operator.kernel.watching import Watcher
from kubernaut_operator.live_facts.reader import FactReader
from kubernaut_operator.recording.recorder import Recorder
from kubernaut_operator.settings import Settings

CONTROLLER = "kubernaut.io/operator"


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
        self._registry = CollectorRegistry()
        self._metrics = KernelMetrics(self._registry)
        self._observer: ExecutionObserver = NoObserver()
        plain = connect(settings.connection.kubeconfig, context=settings.connection.context)
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
        self._events = EventRecorder(self._api, controller=CONTROLLER, instance=identity)
        self._sets = self._condition_sets(closing)
        self._evaluator = EvaluatorPool(size=settings.worker.count, socket_path=settings.worker.socket)
        closing.callback(self._evaluator.close)
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
            checks={"policy worker": self._evaluator.available},
        )
