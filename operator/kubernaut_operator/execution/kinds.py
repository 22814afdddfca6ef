"""Kinds that the controller asks for, as the API's paths name them."""

from kubernaut.resources.names import KUBERNETES_EXECUTION, WORKFLOW_EXECUTION
from kubernaut_operator.kernel.resources import Resource

KUBERNETES_EXECUTIONS = Resource(
    group=KUBERNETES_EXECUTION.group,
    version=KUBERNETES_EXECUTION.version,
    plural=KUBERNETES_EXECUTION.plural,
    kind=KUBERNETES_EXECUTION.kind,
)
WORKFLOW_EXECUTIONS = Resource(
    group=WORKFLOW_EXECUTION.group,
    version=WORKFLOW_EXECUTION.version,
    plural=WORKFLOW_EXECUTION.plural,
    kind=WORKFLOW_EXECUTION.kind,
)
JOBS = Resource(group="batch", version="v1", plural="jobs", kind="Job")
PODS = Resource(group="", version="v1", plural="pods", kind="Pod")
CORE_EVENTS = Resource(group="", version="v1", plural="events", kind="Event")
NAMESPACES = Resource(group="", version="v1", plural="namespaces", kind="Namespace", namespaced=False)
ADMISSION_POLICIES = Resource(
    group="admissionregistration.k8s.io",
    version="v1",
    plural="validatingadmissionpolicies",
    kind="ValidatingAdmissionPolicy",
    namespaced=False,
)
ADMISSION_BINDINGS = Resource(
    group="admissionregistration.k8s.io",
    version="v1",
    plural="validatingadmissionpolicybindings",
    kind="ValidatingAdmissionPolicyBinding",
    namespaced=False,
)
