"""The one Job of an execution: made, read with its pods and Events, let go.

Its name comes from the execution's UID, so that a second create meets the first. Whatever bears that name is adopted
only if it carries our UID label; what is not ours is left alone. A finalizer keeps a Job that somebody deletes until
its end has been read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubernaut.errors import ConflictError, NotFoundError
from kubernaut.execution.intents import CreateJob
from kubernaut.execution.job import (
    EXECUTION_ANNOTATION,
    EXECUTION_LABEL,
    JOB_FINALIZER,
    TARGET_LABEL,
    JobSettings,
    job_manifest,
)
from kubernaut.execution.job_reading import job_seen
from kubernaut.execution.job_seen import JobSeen, JobState
from kubernaut.execution.run import ExecutionRun
from kubernaut_operator.execution.kinds import CORE_EVENTS, JOBS, PODS
from kubernaut_operator.kernel.api import Api, Manifest
from kubernaut_operator.kernel.resources import Key

_JOB_NAME = "batch.kubernetes.io/job-name"
_ENDS = ("Complete", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOwner:
    """Whose Job one is.

    Attributes
    ----------
    key, uid
        Of the execution.
    ended : bool
    """

    job: str
    key: Key
    uid: str
    ended: bool


class Jobs:
    """The Jobs of all executions.

    Parameters
    ----------
    settings : JobSettings
        Namespace and image among them.
    keep_finished_s : int, unit s
        How long one stays after it was let go.
    """

    def __init__(self, api: Api, *, settings: JobSettings, keep_finished_s: int) -> None:
        self._api = api
        self._settings = settings
        self._namespace = settings.namespace
        self._keep_finished_s = keep_finished_s

    def create(self, run: ExecutionRun, target_uid: str, intent: CreateJob) -> JobSeen:
        """Make a Job, or read the one that bears its name.

        Raises
        ------
        ApiError
            It was refused, or nobody can say whether it was made.
        """
        manifest = dict(job_manifest(run, target_uid, intent, self._settings))
        try:
            made = self._api.create(JOBS, manifest, self._namespace)
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
            return self.read(intent.name, uid=run.uid)
        return job_seen(made, execution_uid=run.uid)

    def read(self, name: str, *, uid: str, explain: bool = False) -> JobSeen:
        """Read a Job.

        Parameters
        ----------
        uid : str
            Of the execution.
        explain : bool
            Whether pods and Events are worth a read while it runs; those of one that failed or is deleted always are.

        Raises
        ------
        ApiError
            It cannot be read now.
        """
        try:
            job = self._api.get(JOBS, name, self._namespace)
        except NotFoundError:
            return job_seen(None, execution_uid=uid)
        seen = job_seen(job, execution_uid=uid)
        # What is said of one that is being deleted without its pods only asks for them.
        if seen.state is not JobState.FAILED and not (explain and seen.state is JobState.ACTIVE):
            return seen
        pods, _ = self._api.list_all(PODS, self._namespace, labels=f"{_JOB_NAME}={name}")
        return job_seen(job, execution_uid=uid, pods=pods, events=self._events(job, *pods))

    def delete(self, name: str, *, uid: str) -> None:
        """Let a Job of ours go and delete it with its pods."""
        job = self._ours(name, uid=uid)
        if job is None:
            return
        try:
            self._let_go(job)
            self._api.delete(JOBS, name, self._namespace, uid=str(job["metadata"]["uid"]))
        except NotFoundError:
            return

    def retire(self, name: str, *, uid: str) -> None:
        """Let a Job of ours go, and have it stay a while for who wants its log."""
        job = self._ours(name, uid=uid)
        if job is None:
            return
        try:
            self._let_go(job, {"spec": {"ttlSecondsAfterFinished": self._keep_finished_s}})
        except NotFoundError:
            return

    def later(self, target_uid: str, *, than: str) -> str:
        """Give the execution whose Job was made for a target after another Job; empty when there is none."""
        jobs, _ = self._api.list_all(JOBS, self._namespace, labels=f"{TARGET_LABEL}={target_uid}")
        made = {str(job["metadata"]["name"]): str(job["metadata"]["creationTimestamp"]) for job in jobs}
        for job in jobs:
            name = str(job["metadata"]["name"])
            # Of two in the same second the order is not known; a later one comes after our result, seconds later.
            if name != than and than in made and made[name] > made[than]:
                return str(_owner_of(job).key)
        return ""

    def runs(self, execution_uid: str) -> bool:
        """Say whether a Job of an execution may still do something."""
        jobs, _ = self._api.list_all(JOBS, self._namespace, labels=f"{EXECUTION_LABEL}={execution_uid}")
        return any(not _ended(job) for job in jobs)

    def owners(self) -> tuple[JobOwner, ...]:
        """Give every Job of ours."""
        jobs, _ = self._api.list_all(JOBS, self._namespace, labels=EXECUTION_LABEL)
        return tuple(_owner_of(job) for job in jobs)

    def _ours(self, name: str, *, uid: str) -> Manifest | None:
        try:
            job = self._api.get(JOBS, name, self._namespace)
        except NotFoundError:
            return None
        return job if (job["metadata"].get("labels") or {}).get(EXECUTION_LABEL) == uid else None

    def _let_go(self, job: Manifest, change: Mapping[str, Any] | None = None) -> None:
        metadata = job["metadata"]
        left = [one for one in metadata.get("finalizers") or () if one != JOB_FINALIZER]
        kept = {"finalizers": left, "resourceVersion": metadata["resourceVersion"]}
        self._api.patch(JOBS, metadata["name"], self._namespace, {**(change or {}), "metadata": kept})

    def _events(self, *objects: Manifest) -> list[Manifest]:
        found: list[Manifest] = []
        for one in objects:
            about = f"involvedObject.uid={one['metadata']['uid']}"
            found += self._api.list_all(CORE_EVENTS, self._namespace, fields=about)[0]
        return found


def _owner_of(job: Manifest) -> JobOwner:
    metadata = job["metadata"]
    namespace, _, name = str((metadata.get("annotations") or {}).get(EXECUTION_ANNOTATION, "")).partition("/")
    return JobOwner(
        job=str(metadata["name"]),
        key=Key(namespace, name),
        uid=str((metadata.get("labels") or {}).get(EXECUTION_LABEL, "")),
        ended=_ended(job),
    )


def _ended(job: Manifest) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one.get("type") in _ENDS and one.get("status") == "True" for one in conditions)
