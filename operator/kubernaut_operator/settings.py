"""Everything about the operator that an administrator may set: each with its unit, its default and why.

The flags of `kubernaut operator run` fill these values. What is judged, and how strictly, is not set here: that stands
in the ConfigMaps, which are read anew while the operator runs.
"""

from dataclasses import dataclass, field
from pathlib import Path

OPERATOR_NAMESPACE = "kubernaut-system"
ACTIONS_NAMESPACE = "kubernaut-actions"

HISTORY_PORT = 8081
"""Of the pod's loopback address, where an installed operator serves its history; no Service and no probe names it."""

HISTORY_READER = "kubernaut-history-reader"
"""Role in the operator's namespace that lets a person read its history; bound to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """How the API server is reached.

    Attributes
    ----------
    kubeconfig : str or None
        None: the pod's own account where there is one, else ``KUBECONFIG`` or ``~/.kube/config``.
    context : str or None
        Of the kubeconfig; None takes its current one.
    """

    kubeconfig: str | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """What is worked on, and how much of it at once.

    Attributes
    ----------
    namespaces : tuple of str
        Where executions and workflows are watched; empty watches all namespaces.
    workers : int
        Executions reconciled at once, and as many workflows. A reconcile waits for the API server most of its time
        and none waits for anything longer, so four keep up with hundreds of executions.
    sweep_s : float, unit s
        How often Jobs and Leases of executions that are gone are looked for. Each sweep is two lists.
    """

    namespaces: tuple[str, ...] = ()
    workers: int = 4
    sweep_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigMapSettings:
    """Which ConfigMaps hold conditions and safety policies.

    Attributes
    ----------
    namespace : str
    step, action, safety : str
        Names. An absent ConfigMap leaves what ships with the operator.
    budgets : str
        Name of the one that the operator itself keeps, with what was counted against the block budgets.
    """

    namespace: str = OPERATOR_NAMESPACE
    step: str = "kubernaut-workflow-conditions"
    action: str = "kubernaut-action-conditions"
    safety: str = "kubernaut-safety-policies"
    budgets: str = "kubernaut-block-budgets"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSettings:
    """Where and with what actions run.

    Attributes
    ----------
    namespace : str
        Of the Jobs and of the actions' ServiceAccounts. No person may create pods there.
    image : str
        Holds kubectl as its entry point's program; the same for every action.
    image_pull_policy : str
        ``Never`` where the image was put on the nodes by hand.
    keep_finished_s : int, unit s
        How long a Job stays after its result has been recorded, for people who want its pod's log.
    """

    namespace: str = ACTIONS_NAMESPACE
    image: str = "registry.k8s.io/kubectl:v1.34.4"
    image_pull_policy: str = "IfNotPresent"
    keep_finished_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class FactSettings:
    """What facts may be taken from beyond the target's own objects.

    Attributes
    ----------
    prometheus_url : str or None
        The one server that PromQL facts are asked of; None leaves them unobserved.
    custom_kinds : tuple of str
        Kinds that custom facts may read beside the usual ones, as ``<plural>.<group>/<version>``
        (``widgets.example.org/v1``); never Secrets or ConfigMaps.
    """

    prometheus_url: str | None = None
    custom_kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """Where history is written, and how much of it is kept.

    Attributes
    ----------
    folder : Path or None
        None records nothing.
    total_mib : int, unit MiB
        All files together; the oldest go first. An execution leaves about 20 KiB, compressed.
    max_age_days : int, unit d
    port : int or None
        Of the loopback address, on which `kubernaut history pull` finds the files; None serves them nowhere.
    """

    folder: Path | None = None
    total_mib: int = 1024
    max_age_days: int = 90
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """The policy worker.

    Attributes
    ----------
    socket : str or None
        Where a worker in another container listens; None starts one as a process of its own.
    count : int
        Policies judged at once. One serves while nothing hangs; the others are started when a policy does.
    """

    socket: str | None = None
    count: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderSettings:
    """One leader of several replicas.

    Attributes
    ----------
    elect : bool
        False for a single process that a person runs.
    namespace, name : str
        Of the Lease.
    """

    elect: bool = True
    namespace: str = OPERATOR_NAMESPACE
    name: str = "kubernaut-operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """Where `/healthz`, `/readyz` and `/metrics` are.

    Attributes
    ----------
    host : str
    port : int
        0 takes a free one, which the log names.
    """

    host: str = "0.0.0.0"  # noqa: S104 - the kubelet and Prometheus come from outside the pod
    port: int = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of them.

    Attributes
    ----------
    log_level : str
        Python's name for it.
    """

    connection: ConnectionSettings = field(default_factory=ConnectionSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    config_maps: ConfigMapSettings = field(default_factory=ConfigMapSettings)
    actions: ActionSettings = field(default_factory=ActionSettings)
    facts: FactSettings = field(default_factory=FactSettings)
    recorder: RecorderSettings = field(default_factory=RecorderSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    leader: LeaderSettings = field(default_factory=LeaderSettings)
    endpoints: EndpointSettings = field(default_factory=EndpointSettings)
    log_level: str = "info"
