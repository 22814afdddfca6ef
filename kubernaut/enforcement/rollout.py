"""Which incidents a condition is enforced in: a hash, so that every restart and replica deals the same cards.

One bucket per incident, shared by all conditions, levels and steps: whoever is enrolled at 5 % is enrolled at
10 %, and a workflow is enforced as a whole or not at all. Because the hash knows nothing of the incident, it
is a randomised experiment: enrolled against not enrolled is what says whether the guards help.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

BUCKETS = 10_000
"""A hundredth of a percent each."""

SAME_INCIDENT_WITHIN = timedelta(minutes=30)
"""A run that follows this soon on the same target is one more try at the same incident."""


def bucket_of(rollout: str, incident_id: str) -> int:
    """Give an incident's place in a rollout.

    Parameters
    ----------
    rollout : str
        The key `rollout` of settings.yaml; another word deals anew.
    incident_id : str

    Returns
    -------
    int
        0..9999.
    """
    digest = hashlib.sha256(f"{rollout}/{incident_id}".encode("utf-8", "surrogatepass")).hexdigest()
    return int(digest[:8], 16) % BUCKETS


def is_enrolled(bucket: int, percent: float) -> bool:
    """Say whether a bucket lies inside a rollout percentage (0..100); once it does, a higher one keeps it."""
    # The product is rounded because 1.1 * 100 is a hair above 110.
    return bucket < round(percent * (BUCKETS / 100), 6)


def probability_ran(percents: Iterable[float]) -> float:
    """Give the probability, over the rollout's randomness, that a run was let through.

    Parameters
    ----------
    percents : iterable of float
        The percentages (0..100) in force for the required conditions that failed, or could not be judged;
        those in warn mode count with 0.

    Returns
    -------
    float
        1 when there is none. 0 when one is at 100 %: such runs are never seen, and nothing can be learned of
        them.

    Notes
    -----
    All conditions share the incident's bucket, so the run is stopped exactly when the largest percentage
    covers it: percentages do not multiply.
    """
    return 1.0 - max(percents, default=0.0) / 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The last run before this one of the same action on the same target UID.

    Attributes
    ----------
    ended_at : datetime or None
        None while it is running.
    """

    incident_id: str
    ended_at: datetime | None


def default_incident_id(*, root_uid: str, last_run: LastRun | None, now: datetime) -> str:
    """Give the incident id of a run whose custom resource names none.

    Parameters
    ----------
    root_uid : str
        UID of the workflow, or of an execution without one.
    last_run : LastRun or None
        None when there was none.
    now : datetime
        When the run leaves `pending`; the id is stored then.
    """
    if last_run is None:
        return root_uid
    if last_run.ended_at is None or now - last_run.ended_at < SAME_INCIDENT_WITHIN:
        return last_run.incident_id
    return root_uid
