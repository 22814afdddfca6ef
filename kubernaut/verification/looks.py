"""An attempt's row as a look: what history kept of one poll, in the form that `settle` folds.

The judgement is the one of that day; a replay that judges the facts again makes its own looks. A read that could not be
made is a look, too: one in which nothing could be judged.
"""

from datetime import datetime

from kubernaut.errors import HistoryError
from kubernaut.history.rows import AttemptRow
from kubernaut.verdicts import Attempt, Code, Judgement, Reason
from kubernaut.verification.timeline import Look
from kubernaut.verification.types import Looked, ReadFacts

_CODES = {
    Attempt.PASSED: Code.PASSED,
    Attempt.NOT_YET: Code.FAILED,
    Attempt.FAILED: Code.FAILED,
    Attempt.ERROR: Code.ERROR,
}

_PLAIN_REASONS = {
    Attempt.PASSED: Reason.ALLOWED,
    Attempt.NOT_YET: Reason.NOT_ALLOWED,
    Attempt.FAILED: Reason.NOT_ALLOWED,
    Attempt.ERROR: Reason.POLICY_ERROR,
}
"""What rows from elsewhere, which may leave the reason empty, can only have meant."""


def look_of(row: AttemptRow, *, started_at: datetime) -> Look:
    """Give the look that an attempt's row records, with the judgement of that day.

    Parameters
    ----------
    row : AttemptRow
    started_at : datetime
        Of its evaluation.

    Raises
    ------
    HistoryError
        The row's reason is not one of ours.
    """
    try:
        reason = Reason(row.reason) if row.reason else _PLAIN_REASONS[row.result]
    except ValueError as error:
        raise HistoryError(
            f"attempt {row.record_id}: reason {row.reason!r} is not known; known are "
            f"{', '.join(reason.value for reason in Reason)}"
        ) from error
    return Look(
        row.slot,
        (row.read_started_at - started_at).total_seconds(),
        (row.read_at - started_at).total_seconds(),
        Judgement(_CODES[row.result], reason, row.message, row.fatal),
    )


def unread(intent: ReadFacts, *, why: str, now: datetime) -> Looked:
    """Give the answer to a read of facts that could not be made: an Error for every condition that was asked about."""
    judgement = Judgement(Code.ERROR, Reason.FACT_UNOBSERVED, f"facts could not be read: {why}")
    return Looked(slots=intent.slots, began_at=now, read_at=now, judgements=dict.fromkeys(intent.slots, judgement))
