"""What executions come to, as figures: listens to them and to the outcomes of their workflows.

Everything comes from the rows that history gets, so that a figure and the history behind it cannot disagree. Labels
are the catalogue's actions, words of the engine, and condition types, of which only so many are let through.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection

from prometheus_client import CollectorRegistry

from kubernaut.actions.catalogue import ACTIONS
from kubernaut.history.rows import AttemptRow, EvaluationRow, ExecutionRow, WorkflowRow
from kubernaut.identity import ConditionId, Phase
from kubernaut.safety import Denial
from kubernaut.verdicts import Reason, Verdict
from kubernaut_operator.metrics.bounded import OTHER, Bounded, Remembered
from kubernaut_operator.metrics.declared import METRICS, SERVICES, made
from kubernaut_operator.metrics.outcomes import Effectiveness, validation_word

TYPES_LIMIT = 200
"""Condition types, in all: people name them in ConfigMaps and in custom resources."""

WORDS_LIMIT = 100
"""Safety policies and reasons."""

REMEMBERED_RESULTS = 5_000
"""So many results are known again when they are told a second time, as happens when a run is read anew."""

REMEMBERED_WORKFLOWS = 1_000
"""So many wait for their outcome, which may come days later; a kilobyte each."""

_Labels = tuple[tuple[str, str], ...]
"""Names and values."""

_STOPPING = frozenset({Verdict.FAILED, Verdict.ERROR})


class ExecutionMetrics:
    """Listens to executions (`execution.observing.ExecutionObserver`) from any number of threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._made = {
            name: made(name, registry)
            for name, metric in METRICS.items()
            if not metric.scraped and not name.startswith("policies_")
        }
        self._effectiveness = Effectiveness(registry)
        self._types = Bounded(TYPES_LIMIT)
        self._policies = Bounded(WORDS_LIMIT)
        self._reasons = Bounded(WORDS_LIMIT)
        self._counted = Remembered(REMEMBERED_RESULTS)
        self._unlabelled: OrderedDict[str, list[_Labels]] = OrderedDict()
        self._same: dict[_Labels, _Labels] = {}
        self._lock = threading.Lock()

    def attempted(self, attempt: AttemptRow) -> None:
        """Count one look at one condition."""
        if attempt.candidate:
            return
        labels = self._condition(attempt.condition)
        self._count("condition_attempts_total", **labels, phase=attempt.phase.value, result=attempt.result.value)

    def looked(self, action: str, phase: Phase, *, conditions: Collection[ConditionId], took_s: float) -> None:
        """Note how long reading facts once and judging all that was due took."""
        self._observe("execution_look_duration_seconds", took_s, action=_known(action), phase=phase.value)
        for condition in conditions:
            labels = self._condition(condition)
            del labels["action"]
            self._observe("condition_evaluation_duration_seconds", took_s, **labels)

    def settled(self, evaluation: EvaluationRow) -> None:
        """Count a condition's result; a second telling of the same is left alone."""
        if evaluation.candidate or evaluation.verdict is Verdict.SKIPPED:
            return
        if not self._counted.is_new(evaluation.record_id):
            return
        self._result(evaluation)
        self._of_service(evaluation)
        self._stopped(evaluation)
        self._await_outcome(evaluation)

    def denied(self, action: str, denial: Denial) -> None:
        """Count a safety policy that said no."""
        self._count("safety_denials_total", action=_known(action), policy=self._policies(denial.key))

    def overridden(self, condition: ConditionId, *, by: str) -> None:  # noqa: ARG002 - a person's name is no label
        """Count an override that let a run pass."""
        self._count("condition_overrides_total", **self._condition(condition))

    def budget_spent(self, condition: ConditionId) -> None:
        """Count a condition that went back to warn."""
        self._count("condition_budget_spent_total", **self._condition(condition))

    def ended(self, execution: ExecutionRow, *, phase: str, reason: str) -> None:
        """Count a run's end, and what validation added to it."""
        if not self._counted.is_new(f"{execution.record_id} ended"):
            return
        action = _known(execution.action)
        self._count("executions_finished_total", action=action, phase=phase, reason=self._reasons(reason))
        began, over = execution.action_started_at, execution.action_ended_at
        if began is None:
            return
        before_s = (began - execution.started_at).total_seconds() - execution.blocked_s
        overhead = "execution_validation_overhead_seconds"
        self._observe(overhead, max(before_s, 0.0), action=action, phase=Phase.PRE.value)
        if over is None:
            return
        self._observe("execution_action_duration_seconds", (over - began).total_seconds(), action=action)
        if execution.finished_at is not None:
            after_s = (execution.finished_at - over).total_seconds()
            self._observe(overhead, after_s, action=action, phase=Phase.POST.value)

    def cascade_prevented(self, step: ExecutionRow) -> None:
        """Count a step that was withheld because what it needs was not verified."""
        if self._counted.is_new(f"{step.record_id} withheld"):
            self._count("cascade_failures_prevented_total", action=_known(step.action))

    def workflow_ended(self, workflow: WorkflowRow, *, phase: str, reason: str) -> None:
        """Count a workflow's end; a second telling of the same is left alone."""
        if self._counted.is_new(f"{workflow.record_id} ended"):
            self._count("workflows_finished_total", phase=phase, reason=self._reasons(reason))

    def outcome_known(self, workflow: WorkflowRow, *, validated: bool) -> None:
        """Count the results of a workflow's runs by its outcome; each once."""
        if workflow.outcome is None:
            return
        validation = validation_word(validated=validated)
        said_at = workflow.outcome_at or workflow.recorded_at
        self._effectiveness.learned(workflow.workflow_uid, workflow.outcome, at=said_at, validation=validation)
        resolved, detected = workflow.resolved_at, workflow.detected_at
        if resolved and detected and self._counted.is_new(f"{workflow.record_id} resolved"):
            self._observe("mttr_seconds", max((resolved - detected).total_seconds(), 0.0), validation=validation)
        with self._lock:
            waiting = self._unlabelled.pop(workflow.workflow_uid, [])
        for labels in waiting:
            self._count("condition_labelled_total", **dict(labels), outcome=workflow.outcome.value)

    def _await_outcome(self, evaluation: EvaluationRow) -> None:
        run = evaluation.workflow_uid or evaluation.execution_uid
        labels = {
            **self._condition(evaluation.condition),
            "phase": evaluation.phase.value,
            "required": _flag(evaluation.required),
            "verdict": evaluation.verdict.value,
        }
        held = tuple(labels.items())
        with self._lock:
            # The same few labels for every run: each is held once.
            self._unlabelled.setdefault(run, []).append(self._same.setdefault(held, held))
            if len(self._unlabelled) > REMEMBERED_WORKFLOWS:
                self._unlabelled.popitem(last=False)

    def _result(self, evaluation: EvaluationRow) -> None:
        labels = self._condition(evaluation.condition)
        required = _flag(evaluation.required)
        short = {"condition_type": labels["condition_type"], "service": labels["service"]}
        self._count("condition_evaluations_total", **labels, required=required)
        if evaluation.verdict is Verdict.PASSED:
            self._count("condition_passed_total", **labels, required=required)
            if evaluation.time_to_pass_s is not None and evaluation.phase is Phase.POST:
                self._observe("condition_time_to_pass_seconds", evaluation.time_to_pass_s, **labels)
        elif evaluation.verdict is Verdict.FAILED:
            self._count("condition_failed_total", **labels, required=required)
        elif evaluation.verdict is Verdict.ERROR:
            self._count("condition_errors_total", **labels, reason=self._reasons(evaluation.reason))
        if _ran_out_of_time(evaluation):
            self._count("condition_timeout_total", **short)

    def _of_service(self, evaluation: EvaluationRow) -> None:
        service = SERVICES[evaluation.level]
        labels = {
            "condition_type": self._types(evaluation.type),
            "phase": evaluation.phase.value,
            "required": _flag(evaluation.required),
        }
        self._count(f"{service}_condition_evaluations_total", **labels)
        if evaluation.verdict is Verdict.PASSED:
            self._count(f"{service}_condition_passed_total", **labels)
        elif evaluation.verdict is Verdict.FAILED:
            self._count(f"{service}_condition_failed_total", **labels)
        self._observe(f"{service}_condition_duration_seconds", evaluation.elapsed_s, **labels)

    def _stopped(self, evaluation: EvaluationRow) -> None:
        if not evaluation.enforced or evaluation.overridden or evaluation.verdict not in _STOPPING:
            return
        name = (
            "executions_blocked_by_precondition_total"
            if evaluation.phase is Phase.PRE
            else "executions_failed_by_postcondition_total"
        )
        labels = self._condition(evaluation.condition)
        self._count(name, action=labels["action"], condition_type=labels["condition_type"])

    def _condition(self, condition: ConditionId) -> dict[str, str]:
        return {
            "condition_type": self._types(condition.type),
            "service": SERVICES[condition.level],
            "action": _known(condition.action),
        }

    def _count(self, name: str, **labels: str) -> None:
        self._made[name].labels(**labels).inc()

    def _observe(self, name: str, seconds: float, **labels: str) -> None:
        self._made[name].labels(**labels).observe(seconds)


def _known(action: str) -> str:
    """Give an action of the catalogue; what somebody wrote that is none stands under one name."""
    return action if action in ACTIONS else OTHER


def _ran_out_of_time(evaluation: EvaluationRow) -> bool:
    if evaluation.phase is Phase.PRE:
        return evaluation.verdict is Verdict.ERROR and evaluation.elapsed_s > evaluation.timeout_s
    return evaluation.reason == Reason.DEADLINE_EXCEEDED


def _flag(value: bool) -> str:
    return "true" if value else "false"
