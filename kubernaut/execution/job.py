"""The Job that carries a change out, as a pure function of the execution, its change and the operator's settings.

kubectl with an argument vector and no shell; what a custom resource says never reaches image, account, command or
volumes. One try, never a second pod beside the first, an end in time. The body of the change travels in an annotation
of the pod and appears to it as a file. The pod meets Pod Security "restricted".

Label, finalizer and annotations are how the Job is found, held and read again; the names are here and nowhere else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from kubernaut.actions.catalogue import action_definition
from kubernaut.actions.change import Change, change_from_json
from kubernaut.actions.command_line import CHANGE_ANNOTATION, CHANGE_FILE, command_line
from kubernaut.errors import InputError
from kubernaut.execution.intents import CreateJob
from kubernaut.execution.run import ExecutionRun
from kubernaut.facts.fields import Fields
from kubernaut.json_types import JsonObject, JsonValue
from kubernaut.resources.names import ACTION_LABEL

EXECUTION_LABEL = "kubernaut.io/execution-uid"
"""UID of the execution; a Job under our name without it is not ours."""

TARGET_LABEL = "kubernaut.io/target-uid"
"""UID of the target, for whoever asks what acted on it."""

EXECUTION_ANNOTATION = "kubernaut.io/execution"
"""``namespace/name`` of the execution, for people and for the sweeper."""

REQUEST_ANNOTATION = "kubernaut.io/request"
"""The change without its body, so that what kubectl says of it can be understood later."""

JOB_FINALIZER = "kubernaut.io/recorded"
"""Holds a Job until its end is recorded: one that is not there was never created."""

CONTAINER = "action"

USER = 65532
"""`nonroot` of distroless images; the image's own user does not matter."""

_VOLUME = "change"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """What the operator's administrator says of every Job.

    Attributes
    ----------
    image : str
        Holds kubectl on its PATH.
    image_pull_policy : str or None
        None leaves it to Kubernetes.
    grace_s : int, unit s
        What a pod is given to end after it was told to.
    """

    image: str
    namespace: str = "kubernaut-actions"
    image_pull_policy: str | None = None
    cpu_request: str = "10m"
    memory_request: str = "32Mi"
    memory_limit: str = "128Mi"
    grace_s: int = 5


def job_manifest(run: ExecutionRun, target_uid: str, create: CreateJob, settings: JobSettings) -> JsonObject:
    """Give the Job of an execution.

    Parameters
    ----------
    run : ExecutionRun
    target_uid : str
    create : CreateJob
        Name, change and deadline.
    settings : JobSettings

    Raises
    ------
    InputError
        There is no such action.
    """
    labels = {
        "app.kubernetes.io/managed-by": "kubernaut",
        ACTION_LABEL: run.action,
        EXECUTION_LABEL: run.uid,
        TARGET_LABEL: target_uid,
    }
    request = {key: value for key, value in create.change.as_json().items() if key != "body"}
    annotations = {
        EXECUTION_ANNOTATION: f"{run.namespace}/{run.name}",
        REQUEST_ANNOTATION: json.dumps(request, separators=(",", ":"), sort_keys=True),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": create.name,
            "namespace": settings.namespace,
            "labels": labels,
            "annotations": annotations,
            "finalizers": [JOB_FINALIZER],
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": create.timeout_s,
            "template": {
                "metadata": {
                    "labels": labels,
                    "annotations": {**annotations, CHANGE_ANNOTATION: create.change.body_text},
                },
                "spec": _pod(action_definition(run.action).account, create.change, settings),
            },
        },
    }


def change_of(job: Fields) -> Change | None:
    """Read back what a Job was told to do; None when that cannot be said.

    Raises
    ------
    FactsError
        The Job's fields are not what a Job has.
    """
    annotations = job.at("metadata").labels("annotations")
    body = job.at("spec", "template", "metadata").labels("annotations").get(CHANGE_ANNOTATION)
    try:
        request = json.loads(annotations.get(REQUEST_ANNOTATION, "null"))
        if not isinstance(request, Mapping) or body is None:
            return None
        return change_from_json({**request, "body": json.loads(body)})
    except (ValueError, InputError):
        return None


def _pod(account: str, change: Change, settings: JobSettings) -> JsonObject:
    container: dict[str, JsonValue] = {
        "name": CONTAINER,
        "image": settings.image,
        "command": list(command_line(change)),
        "resources": {
            "requests": {"cpu": settings.cpu_request, "memory": settings.memory_request},
            "limits": {"memory": settings.memory_limit},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": _VOLUME, "mountPath": str(PurePosixPath(CHANGE_FILE).parent), "readOnly": True},
        ],
    }
    if settings.image_pull_policy is not None:
        container["imagePullPolicy"] = settings.image_pull_policy
    return {
        "restartPolicy": "Never",
        "serviceAccountName": account,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": settings.grace_s,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {
                "name": _VOLUME,
                "downwardAPI": {
                    "items": [
                        {
                            "path": PurePosixPath(CHANGE_FILE).name,
                            "fieldRef": {"fieldPath": f"metadata.annotations['{CHANGE_ANNOTATION}']"},
                        }
                    ]
                },
            }
        ],
    }
