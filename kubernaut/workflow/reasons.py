"""Why a workflow or a step is where it is: the low-cardinality words of reasons, conditions and Events."""

from enum import StrEnum


class Why(StrEnum):
    """Reasons, in the CamelCase that Kubernetes uses."""

    PENDING = "Pending"
    CHECKING = "Checking"
    AWAITING_APPROVAL = "AwaitingApproval"
    PAUSED = "Paused"
    RUNNING = "Running"
    VERIFYING = "Verifying"
    PRECONDITION_FAILED = "PreconditionFailed"
    POSTCONDITION_FAILED = "PostconditionFailed"
    EXECUTION_FAILED = "ExecutionFailed"
    EXECUTION_REFUSED = "ExecutionRefused"
    EXECUTION_GONE = "ExecutionGone"
    EXECUTION_NAME_TAKEN = "ExecutionNameTaken"
    DEPENDENCY_FAILED = "DependencyFailed"
    STEP_FAILED = "StepFailed"
    INVALID_WORKFLOW = "InvalidWorkflow"
    INVALID_CONDITIONS = "InvalidConditions"
    ACCESS_DENIED = "AccessDenied"
    NOT_APPROVED = "NotApproved"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    CANCELLED = "Cancelled"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    ROLLBACK_FAILED = "RollbackFailed"
    CANNOT_BE_UNDONE = "CannotBeUndone"
    SUCCEEDED = "Succeeded"
