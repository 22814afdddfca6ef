"""What holds of the operator's writes whatever happens to it, told of the whole list of those that were carried out.

It writes to its own objects alone; nobody gets a second Job; each Job comes after the status that names it, and while
the lock on its target is held. What holds of workflows is in `workflow_write_invariants`.
"""

from collections.abc import Iterable

from helpers.faulty_api import Request
from kubernaut.execution.job import EXECUTION_LABEL, TARGET_LABEL
from kubernaut.execution.names import lock_name

OWN = (
    ("PUT", "/kubernetesexecutions/", "/status"),
    ("PATCH", "/kubernetesexecutions/", ""),
    ("POST", "/kubernetesexecutions", ""),
    ("DELETE", "/kubernetesexecutions/wf-", ""),
    ("PUT", "/workflowexecutions/", "/status"),
    ("PATCH", "/workflowexecutions/", ""),
    ("POST", "/namespaces/kubernaut-actions/jobs", ""),
    ("PATCH", "/namespaces/kubernaut-actions/jobs/", ""),
    ("DELETE", "/namespaces/kubernaut-actions/jobs/", ""),
    ("POST", "/leases", ""),
    ("PUT", "/leases/", ""),
    ("PATCH", "/leases/", ""),
    ("DELETE", "/namespaces/kubernaut-actions/leases/", ""),
    ("POST", "/events", ""),
    ("POST", "/namespaces/kubernaut-system/configmaps", ""),
    ("PUT", "/namespaces/kubernaut-system/configmaps/kubernaut-block-budgets", ""),
)
"""Method, what its path holds, and how it ends."""


def check_writes(changes: Iterable[Request]) -> None:
    """Check all changes that the operators behind one proxy made, in their order.

    Raises
    ------
    AssertionError
        Names the write that should not have been.
    """
    told: dict[str, str] = {}
    locks: set[str] = set()
    given: dict[str, Request] = {}
    for change in changes:
        is_own = any(
            change.method == verb and part in change.path and change.path.endswith(end) for verb, part, end in OWN
        )
        assert is_own, f"not the operator's to write: {change}"
        if change.path.endswith("/status") and "/kubernetesexecutions/" in change.path:
            told[change.body["metadata"]["uid"]] = (change.body["status"].get("job") or {}).get("name", "")
        elif "/leases" in change.path:
            name = change.path.rpartition("/")[2]
            locks.discard(name)
            if change.method != "DELETE":
                locks.add(change.body["metadata"]["name"])
        elif change.method == "POST" and change.path.endswith("/jobs"):
            _check_job(change, told, locks, given)


def _check_job(change: Request, told: dict[str, str], locks: set[str], given: dict[str, Request]) -> None:
    metadata = change.body["metadata"]
    execution = metadata["labels"][EXECUTION_LABEL]
    assert execution not in given, f"a second Job of {execution}: {change}, after {given[execution]}"
    assert told.get(execution) == metadata["name"], f"no status names the Job yet: {change}"
    assert lock_name(metadata["labels"][TARGET_LABEL]) in locks, f"the target is not locked: {change}"
    given[execution] = change
