"""What judging can say, and the low-cardinality reasons why.

A `Judgement` is one look at one policy (one attempt). A `Verdict` is what a condition of one run came to in the end.
`NOT_YET` exists only for attempts of postconditions: it becomes `FAILED` at the deadline, never before.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The end of one condition of one run."""

    PASSED = "Passed"
    FAILED = "Failed"
    ERROR = "Error"
    CENSORED = "Censored"
    SKIPPED = "Skipped"


class Attempt(StrEnum):
    """What one look came to."""

    PASSED = "Passed"
    NOT_YET = "NotYet"
    FAILED = "Failed"
    ERROR = "Error"


class Reason(StrEnum):
    """Why, in the CamelCase that Kubernetes uses for `Condition.reason`."""

    ALLOWED = "Allowed"
    NOT_ALLOWED = "NotAllowed"
    NOT_HELD_LONG_ENOUGH = "NotHeldLongEnough"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    FATAL = "Fatal"
    POLICY_ERROR = "PolicyError"
    NON_BOOLEAN_RESULT = "NonBooleanResult"
    LIMIT_EXCEEDED = "LimitExceeded"
    FACT_UNOBSERVED = "FactUnobserved"
    FACT_NOT_RECORDED = "FactNotRecorded"
    EVALUATOR_UNAVAILABLE = "EvaluatorUnavailable"
    OBSERVATION_ENDED = "ObservationEnded"
    VALIDATION_OFF = "ValidationOff"
    ACTION_NEVER_RAN = "ActionNeverRan"
    CUT_SHORT = "CutShort"


class Code(StrEnum):
    """What the evaluator says of one input: no time, no facts missing, only the policy's answer."""

    PASSED = "Passed"
    FAILED = "Failed"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One policy judged on one snapshot.

    Attributes
    ----------
    code : Code
        `FAILED` means that `allow` is false or undefined; `ERROR` that it could not be judged.
    reason : Reason
    message : str
        The policy's `error_message`, or a plain sentence; empty when passed. Control characters removed.
    fatal : bool
        The policy says that it can never pass: stop waiting.
    """

    code: Code
    reason: Reason
    message: str = ""
    fatal: bool = False
