"""A row of failures of one intent: tried again, ever more slowly, until its deadline; then the failure is an answer.

The deadline counts from the first failure and lives in the status. Nobody's absence counts: where nobody looked for a
minute, the row begins anew. The same rule for executions and for workflows, which count by different names.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

RETRY_FOR_S = 600.0
"""An API server that is upgraded, or a control plane that fails over, is back within ten minutes."""

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0

AWAY_S = 60.0
"""A gap between two calls, or since what was stored, that no working driver leaves while it retries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An intent that keeps failing.

    Attributes
    ----------
    since : datetime
        Of the first failure in a row.
    until : datetime
        From then on a failure is an answer.
    tries : int
    why : str
        Of the last one.
    """

    since: datetime
    until: datetime
    tries: int = 1
    why: str = ""


def failed_again(
    row: Retry | None,
    why: str,
    *,
    now: datetime,
    seen_at: datetime,
    retry_after_s: float | None = None,
    retry_for_s: float = RETRY_FOR_S,
) -> tuple[Retry, datetime]:
    """Count one failure more.

    Parameters
    ----------
    row : Retry or None
        None: the first.
    seen_at : datetime
        When it was looked at last before now: tells whether anybody was looking.
    retry_after_s : float or None, unit s
        What the server asked to wait.
    retry_for_s : float, unit s
        From the first failure to the deadline.

    Returns
    -------
    Retry
    datetime
        Before which it is not tried again.
    """
    if row is None or (now - seen_at).total_seconds() > AWAY_S:
        row = Retry(since=now, until=now + timedelta(seconds=retry_for_s), why=why)
    else:
        row = replace(row, tries=row.tries + 1, why=why)
    # A longer wait than that would look like an absence, and the row would begin anew.
    wait_s = min(max(wait_after_s(row.tries), retry_after_s or 0.0), LONGEST_WAIT_S)
    return row, now + timedelta(seconds=wait_s)


def wait_after_s(tries: int) -> float:
    """Give how long to wait after so many failures in a row; what fails for days still is a number."""
    return min(FIRST_WAIT_S * 2.0 ** min(tries - 1, 10), LONGEST_WAIT_S)
