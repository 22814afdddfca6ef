"""Names of what belongs to one run or one target: pure functions of a UID, so that nobody has to remember them."""

import hashlib

from kubernaut.kubernetes_names import is_namespace

_JOB = "kubernaut-"
_LOCK = "kubernaut-target-"


def job_name(execution_uid: str) -> str:
    """Give the name of an execution's one Job."""
    return _JOB + _name_part(execution_uid)


def lock_name(target_uid: str) -> str:
    """Give the name of the Lease that says who acts on a target."""
    return _LOCK + _name_part(target_uid)


def _name_part(uid: str) -> str:
    """Give a UID as Kubernetes makes them as it is, anything else by its hash."""
    if is_namespace(uid) and len(uid) <= 36:
        return uid
    return hashlib.sha256(uid.encode("utf-8", "surrogatepass")).hexdigest()[:32]
