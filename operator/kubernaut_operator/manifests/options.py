"""What may differ from one installation to the next, and the names that several manifests must agree on."""

from dataclasses import dataclass, field

from kubernaut._version import __version__
from kubernaut.errors import InputError
from kubernaut.kubernetes_names import is_namespace
from kubernaut_operator.settings import (
    ACTIONS_NAMESPACE,
    OPERATOR_NAMESPACE,
    ActionSettings,
    ConfigMapSettings,
    FactSettings,
    LeaderSettings,
)

OPERATOR = "kubernaut-operator"
"""Name of the StatefulSet, its ServiceAccount and its cluster-wide rights."""

PULL_POLICIES = ("Always", "IfNotPresent", "Never")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallOptions:
    """One installation.

    Attributes
    ----------
    image : str
        Of the operator and its policy worker.
    image_pull_policy : str
        Of both images; ``Never`` where they were put on the nodes by hand.
    namespace, actions_namespace : str
        Of the operator, and of the Jobs.
    replicas : int
        Of the operator; one leads, the others wait.
    action_image : str
        Of every action; the admission policy pins it.
    operator_user : str or None
        Who may start actions; None means the operator's ServiceAccount. For an operator that runs outside.
    records_gib : int, unit GiB
        Size of the volume for history.
    storage_class : str or None
        Of that volume; None means the cluster's default.
    keep_records : bool
        False keeps history in the pod, where it ends with the pod: for a trial, without storage.
    custom_kinds : tuple of str
        As `FactSettings.custom_kinds`; each gets the right to be read in every namespace.
    prometheus_url : str or None
    api_ports : tuple of int
        Where pods reach the API server; what the network policies let through.
    conditions : bool
        False leaves the ConfigMaps alone: an installation that was tuned keeps what it has.
    """

    image: str = f"kubernaut-operator:{__version__}"
    image_pull_policy: str = "IfNotPresent"
    namespace: str = OPERATOR_NAMESPACE
    actions_namespace: str = ACTIONS_NAMESPACE
    replicas: int = 2
    action_image: str = ActionSettings().image
    operator_user: str | None = None
    records_gib: int = 2
    storage_class: str | None = None
    keep_records: bool = True
    custom_kinds: tuple[str, ...] = ()
    prometheus_url: str | None = FactSettings().prometheus_url
    api_ports: tuple[int, ...] = (443, 6443)
    conditions: bool = True
    config_maps: ConfigMapSettings = field(init=False)

    def __post_init__(self) -> None:
        for what, name in (("namespace", self.namespace), ("actions namespace", self.actions_namespace)):
            if not is_namespace(name):
                raise InputError(f"{what} {name!r} is none: lower-case letters, digits and `-`, at most 63")
        if self.image_pull_policy not in PULL_POLICIES:
            raise InputError(f"image pull policy {self.image_pull_policy!r}: write one of {', '.join(PULL_POLICIES)}")
        if self.namespace == self.actions_namespace:
            raise InputError(f"{self.namespace}: the operator and its actions need a namespace each")
        object.__setattr__(self, "config_maps", ConfigMapSettings(namespace=self.namespace))

    @property
    def operator_username(self) -> str:
        """Who the operator is to the API server."""
        return self.operator_user or f"system:serviceaccount:{self.namespace}:{OPERATOR}"

    @property
    def lease(self) -> str:
        """Name of the leader's Lease."""
        return LeaderSettings().name

    @property
    def records_mib(self) -> int:
        """What the recorder may fill: nine tenths of the volume, so that it is never full."""
        return self.records_gib * 1024 * 9 // 10
