"""What the custom resources are called in the API, and the words by which people act on them.

Written once: the schemas, the RBAC rules, the admission policies and the operator's requests all take these.
"""

from dataclasses import dataclass

VERSION = "v1alpha1"

CATEGORY = "kubernaut"
"""`kubectl get kubernaut` lists all kinds of this category."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """One kind of custom resource.

    Attributes
    ----------
    group : str
        e.g. ``execution.kubernaut.io``.
    plural, singular : str
    short_names : tuple of str
        What kubectl takes instead of the plural.
    """

    group: str
    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    version: str = VERSION

    @property
    def api_version(self) -> str:
        """Give what stands under `apiVersion`."""
        return f"{self.group}/{self.version}"

    @property
    def crd_name(self) -> str:
        """Give the name of the CustomResourceDefinition."""
        return f"{self.plural}.{self.group}"


KUBERNETES_EXECUTION = ResourceKind(
    group="execution.kubernaut.io",
    kind="KubernetesExecution",
    plural="kubernetesexecutions",
    singular="kubernetesexecution",
    short_names=("kex",),
)

WORKFLOW_EXECUTION = ResourceKind(
    group="workflow.kubernaut.io",
    kind="WorkflowExecution",
    plural="workflowexecutions",
    singular="workflowexecution",
    short_names=("wfx",),
)

RESOURCE_KINDS = (KUBERNETES_EXECUTION, WORKFLOW_EXECUTION)

APPROVE = "kubernaut.io/approve"
PAUSE = "kubernaut.io/pause"
OUTCOME = "kubernaut.io/outcome"

VERB_OVERRIDE = "override"
VERB_APPROVE = "approve"
VERB_OUTCOME = "outcome"
VERB_REMEDIATE = "remediate"
"""Held in a namespace: resources of other namespaces may act on targets there."""

KEPT_LABELS = ("team", "alert", "severity")
"""Labels of a custom resource that go into history: few, and none that could hold a secret."""

ENVIRONMENT_LABEL = "kubernaut.io/environment"
"""On a namespace: which section of settings.yaml holds there."""

ACTION_LABEL = "kubernaut.io/action"
"""On an action's Job and its pod; the admission policy of their namespace goes by it."""
