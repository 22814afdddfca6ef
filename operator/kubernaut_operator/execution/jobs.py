"""The one Job of an execution: made, read with its pods and Events, let go.

Its name comes from the execution's UID, so that a second create meets the first. Whatever bears that name is adopted
only if it carries our UID label; what is not ours is left alone. A finalizer keeps a Job that somebody deletes until its
end has been read.
"""

from typing import Any

from kubernaut.errors import ConflictError, NotFoundError
from kubernaut.execution.job import JOB_FINALIZER, UID_LABEL
from kubernaut.execution.job_reading import job_seen
from kubernaut.execution.types import JobSeen
from kubernaut_operator.execution.kinds import CORE_EVENTS, JOBS, PODS
from kubernaut_operator.kernel.api import Api, Manifest

_JOB_NAME = "batch.kubernetes.io/job-name"


class Jobs:
    """The Jobs of all executions.

    Parameters
    ----------
    namespace : str
        In which actions run.
    keep_finished_s : int, unit s
        How long one stays after it was let go.
    """

    def __init__(self, api: Api, *, namespace: str, keep_finished_s: int) -> None:
        self._api = api
        self._namespace = namespace
        self._keep_finished_s = keep_finished_s

    def create(self, manifest: Manifest, *, uid: str) -> JobSeen:
        """Make a Job, or read the one that bears its name.

        Raises
        ------
        ApiError
            It was refused, or nobody can say whether it was made.
        """
        try:
            made = self._api.create(JOBS, manifest, self._namespace)
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise
            return self.read(str(manifest["metadata"]["name"]), uid=uid)
        return job_seen(made, uid=uid)

    def read(self, name: str, *, uid: str, explain: bool = False) -> JobSeen:
        """Read a Job.

        Parameters
        ----------
        uid : str
            Of the execution.
        explain : bool
            Whether pods and Events are worth a read while it runs; those of an ended one always are.

        Raises
        ------
        ApiError
            It cannot be read now.
        """
        try:
            job = self._api.get(JOBS, name, self._namespace)
        except NotFoundError:
            return job_seen(None, uid=uid)
        if not explain and not _ended(job):
            return job_seen(job, uid=uid)
        pods, _ = self._api.list_all(PODS, self._namespace, labels=f"{_JOB_NAME}={name}")
        return job_seen(job, uid=uid, pods=pods, events=self._events(pods))

    def delete(self, name: str, *, uid: str) -> None:
        """Let a Job of ours go and delete it with its pods."""
        job = self._ours(name, uid=uid)
        if job is None:
            return
        self._let_go(job)
        try:
            self._api.delete(JOBS, name, self._namespace, uid=str(job["metadata"]["uid"]))
        except NotFoundError:
            return

    def retire(self, name: str, *, uid: str) -> None:
        """Let a Job of ours go, and have it stay a while for who wants its log."""
        job = self._ours(name, uid=uid)
        if job is not None:
            self._let_go(job, {"spec": {"ttlSecondsAfterFinished": self._keep_finished_s}})

    def others(self, target_uid: str, *, label: str) -> tuple[Manifest, ...]:
        """Give the Jobs of ours that act on a target."""
        return tuple(self._api.list_all(JOBS, self._namespace, labels=f"{label}={target_uid}")[0])

    def all_of_ours(self) -> tuple[Manifest, ...]:
        """Give every Job that carries an execution's UID."""
        return tuple(self._api.list_all(JOBS, self._namespace, labels=UID_LABEL)[0])

    def _ours(self, name: str, *, uid: str) -> Manifest | None:
        try:
            job = self._api.get(JOBS, name, self._namespace)
        except NotFoundError:
            return None
        return job if (job["metadata"].get("labels") or {}).get(UID_LABEL) == uid else None

    def _let_go(self, job: Manifest, change: dict[str, Any] | None = None) -> None:
        metadata = job["metadata"]
        left = [one for one in metadata.get("finalizers") or () if one != JOB_FINALIZER]
        kept = {"finalizers": left, "resourceVersion": metadata["resourceVersion"]}
        try:
            self._api.patch(JOBS, metadata["name"], self._namespace, {**(change or {}), "metadata": kept})
        except NotFoundError:
            return

    def _events(self, pods: list[Manifest]) -> list[Manifest]:
        found: list[Manifest] = []
        for pod in pods:
            about = f"involvedObject.uid={pod['metadata']['uid']}"
            found += self._api.list_all(CORE_EVENTS, self._namespace, fields=about)[0]
        return found


def _ended(job: Manifest) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in conditions)
