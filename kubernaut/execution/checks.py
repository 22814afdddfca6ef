"""What is asked before anything is locked or judged: parameters, target, access, safety; and again after every wait.

A target that is not there is an answer, an API server that does not answer is none. Safety fails closed: what could
not be judged is a denial, after it was tried again for a little while; what was judged and denied is one at once.
"""

from dataclasses import replace
from datetime import datetime

from kubernaut.actions.catalogue import action_definition, checked_parameters
from kubernaut.actions.definition import ActionParameters
from kubernaut.errors import InputError
from kubernaut.execution.ending import End, fail, finish
from kubernaut.execution.intents import JudgeSafety, ReadTarget, ReviewAccess
from kubernaut.execution.progress import Progress, Seen, asking
from kubernaut.execution.reasons import Why
from kubernaut.execution.retrying import answered, counted, given_up
from kubernaut.execution.run import ExecutionRun
from kubernaut.execution.status import ExecutionStatus, Step, Target
from kubernaut.execution.types import AccessReviewed, SafetyJudged, TargetSeen
from kubernaut.resources.execution import ExecutionPhase
from kubernaut.verdicts import Code

SAFETY_RETRY_FOR_S = 30.0
"""How long an evaluator or a fact that is missing is waited for before its absence is a denial."""

MOST_DENIALS = 32
"""Texts of denials in a status."""

_TARGET, _ACCESS, _SAFETY = ReadTarget.__name__, ReviewAccess.__name__, JudgeSafety.__name__


def parameters_of(run: ExecutionRun) -> ActionParameters:
    """Check the run's parameters and that they name the declared target.

    Raises
    ------
    InputError
        No such action, parameters that are missing, unknown or out of bounds, or two different targets.
    """
    parameters = checked_parameters(run.action, run.parameters)
    if run.declared_target is not None and run.declared_target != parameters.target:
        raise InputError(
            f"spec.targetResource is {run.declared_target}, but the parameters name {parameters.target}; "
            "write the same object in both"
        )
    return parameters


def target(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Check the parameters, then see that the target is there and still the one that it was."""
    try:
        wanted = parameters_of(run).target
    except InputError as error:
        return fail(run, status, (Why.INVALID_PARAMETERS, str(error)), now)
    answer = seen.take(TargetSeen)
    if answer is None:
        failed = seen.failure(_TARGET)
        if failed is not None:
            return fail(run, status, given_up(failed), now)
        return asking(status, ReadTarget(), now=now)
    status = answered(status, _TARGET)
    if not answer.found:
        return fail(run, status, (Why.TARGET_NOT_FOUND, f"{wanted} is not there"), now)
    known = status.target
    if known is not None and known.uid != answer.uid:
        return replaced(run, status, now)
    if answer.deleting:
        return fail(run, status, (Why.TARGET_TERMINATING, f"{wanted} is being deleted"), now)
    if known is None:
        known = Target(uid=answer.uid, replicas=answer.replicas)
    known = replace(known, resource_version=answer.resource_version, generation=answer.generation)
    return Progress(status=replace(status, target=known, step=Step.ACCESS), again=True)


def replaced(run: ExecutionRun, status: ExecutionStatus, now: datetime) -> Progress:
    """End the run because its target is another object now."""
    message = "the target was deleted and another object made under its name; this run was for the first one"
    return fail(run, status, (Why.TARGET_REPLACED, message), now)


def access(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """See that the action's account may do what the action needs."""
    answer = seen.take(AccessReviewed)
    if answer is None:
        failed = seen.failure(_ACCESS)
        if failed is not None:
            return fail(run, status, given_up(failed), now)
        return asking(status, ReviewAccess(), now=now)
    status = answered(status, _ACCESS)
    if answer.author_unchecked:
        message = (
            "the target lies in another namespace, and nobody asked whether the author may act there: the admission "
            "policy on targets or its binding is missing; install it and create the execution anew"
        )
        return finish(run, status, End(phase=ExecutionPhase.DENIED, why=Why.ACCESS_DENIED, message=message), now)
    if answer.missing:
        account = action_definition(run.action).account
        message = (
            f"the account {account} may not {', nor '.join(answer.missing)}; "
            "a namespace opts in to an action by a RoleBinding to its account"
        )
        return finish(run, status, End(phase=ExecutionPhase.DENIED, why=Why.ACCESS_DENIED, message=message), now)
    return Progress(status=replace(status, step=Step.SAFETY), again=True)


def safety(run: ExecutionRun, status: ExecutionStatus, seen: Seen, now: datetime) -> Progress:
    """Ask the safety policies in force now."""
    answer = seen.take(SafetyJudged)
    if answer is None:
        failed = seen.failure(_SAFETY)
        if failed is not None:
            return _denied(run, status, (f"safety could not be judged: {failed.why}",), now)
        return asking(status, JudgeSafety(), now=now)
    status = replace(status, safety_digest=answer.digest)
    denials = tuple(denial.message for denial in answer.denials)
    if any(denial.judgement.code is not Code.ERROR for denial in answer.denials):
        return _denied(run, status, denials, now)
    if denials:
        status = counted(status, _SAFETY, denials[0], before=status, now=now, retry_for_s=SAFETY_RETRY_FOR_S)
        if now >= status.retries[_SAFETY].until:
            return _denied(run, status, denials, now)
        return Progress(status=status, due=status.memory.next_try_at)
    status = replace(answered(status, _SAFETY), checked_at=now, denials=(), step=status.then)
    return Progress(status=status, again=True)


def _denied(run: ExecutionRun, status: ExecutionStatus, denials: tuple[str, ...], now: datetime) -> Progress:
    more = f" (and {len(denials) - 1} more)" if len(denials) > 1 else ""
    status = replace(status, denials=denials[:MOST_DENIALS])
    end = End(phase=ExecutionPhase.DENIED, why=Why.SAFETY_DENIED, message=denials[0] + more)
    return finish(run, status, end, now)
