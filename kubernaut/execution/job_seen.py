"""What there is to see of an execution's Job, and what its action did to the cluster."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobState(StrEnum):
    """What there is under the Job's name."""

    ABSENT = "absent"
    FOREIGN = "foreign"
    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Effect(StrEnum):
    """What the action's request did to the cluster."""

    REFUSED = "refused"
    APPLIED = "applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSeen:
    """The answer to `CreateJob` and `ReadJob`, by `kubernaut.execution.job_reading.job_seen`.

    Attributes
    ----------
    state : JobState
        `FOREIGN`: a Job of this name without our UID label.
    uid : str
        Empty when absent.
    finished_at : datetime or None
        By the API server's clock; None while it is active.
    effect : Effect or None
        None while active, absent or foreign.
    reason : str
        CamelCase: why it failed, or why it has not started yet; empty when there is nothing to say.
    message : str
        The same in a person's words.
    """

    state: JobState
    uid: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None
    effect: Effect | None = None
    reason: str = ""
    message: str = ""
