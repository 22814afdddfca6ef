"""One look: facts are read once, and everything that is due is judged on that one snapshot, in parallel.

What is due is `decide`'s word, what may be seen and how fresh is `live_facts`', what a policy makes of it the engine's
`judge`. A policy that hangs costs its own judgement its time and the others none.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from kubernaut.conditions.inputs import policy_input
from kubernaut.conditions.spec import ResolvedCondition
from kubernaut.errors import EvaluatorError
from kubernaut.execution.types import SafetyJudged
from kubernaut.facts.snapshot import ReadPath, Snapshot
from kubernaut.identity import Phase
from kubernaut.judging import judge
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.safety import SafetySet, judge_safety
from kubernaut.verdicts import Code, Judgement, Reason
from kubernaut.verification.kept_facts import kept_facts
from kubernaut.verification.types import Looked, ReadFacts, condition_key
from kubernaut_operator.execution.observing import ExecutionObserver
from kubernaut_operator.execution.subject import Subject
from kubernaut_operator.live_facts.question import LOOK_LIMIT_S, Question, Reading
from kubernaut_operator.live_facts.reader import FactReader

JUDGING = 8
"""Threads that wait for policy workers; more than there are workers, so that one that hangs keeps no other waiting."""


class Looking:
    """Reads and judges for any number of workers; call `close` at the end."""

    def __init__(self, facts: FactReader, evaluator: Evaluator, *, observer: ExecutionObserver) -> None:
        self._facts = facts
        self._evaluator = evaluator
        self._observer = observer
        self._threads = ThreadPoolExecutor(max_workers=JUDGING, thread_name_prefix="judging")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def look(self, subject: Subject, phase: Phase, intent: ReadFacts) -> Looked:
        """Answer a stage's `ReadFacts`."""
        began_s = monotonic()
        resolution = subject.resolution
        due = {condition_key(one): one for one in resolution.phase(phase) if condition_key(one) in intent.slots}
        policies = {key: resolution.policy(condition) for key, condition in due.items()}
        reading = self._read(subject, policies.values(), limits_s=intent.limits_s, max_age_s=intent.max_age_s)
        seen = {key: _input(subject, condition, reading) for key, condition in due.items()}
        judging = {key: self._threads.submit(self._judge, policies[key], seen[key]) for key in due}
        judgements = {key: one.result() for key, one in judging.items()}
        judged = [condition.id for condition in due.values() if not condition.candidate]
        self._observer.looked(subject.action, phase, conditions=judged, took_s=monotonic() - began_s)
        return Looked(
            slots=intent.slots,
            began_at=reading.began_at,
            read_at=reading.read_at,
            judgements=judgements,
            snapshots={key: kept_facts(seen[key], policies[key], record_facts=subject.record_facts) for key in due},
            objects=reading.objects,
        )

    def safety(self, subject: Subject, safety: SafetySet) -> SafetyJudged:
        """Answer `JudgeSafety` by the policies in force now."""
        policies = [one.policy for one in safety.of(subject.action)]
        reading = self._read(subject, policies, limits_s={}, max_age_s=0.0)
        denials = judge_safety(
            self._evaluator,
            safety,
            reading.snapshot,
            action=subject.action,
            context=subject.context,
            parameters=subject.parameters,
            custom=reading.custom,
        )
        for denial in denials:
            self._observer.denied(subject.action, denial)
        return SafetyJudged(denials=denials, digest=safety.digest)

    def _read(
        self,
        subject: Subject,
        policies: Iterable[CompiledPolicy],
        *,
        limits_s: Mapping[str, float],
        max_age_s: float,
    ) -> Reading:
        reads: set[ReadPath] = {path for policy in policies for path in policy.reads}
        return self._facts.read(
            Question(
                target=subject.target,
                parameters=subject.parameters,
                reads=None if subject.record_facts == "all" else tuple(sorted(reads)),
                baseline=subject.baseline,
                action_ended_at=subject.action_ended_at,
                incident_detected_at=subject.detected_at,
                max_age_s=max_age_s,
                custom=subject.custom_facts,
                limit_s=min(LOOK_LIMIT_S, max(limits_s.values(), default=LOOK_LIMIT_S)),
            )
        )

    def _judge(self, policy: CompiledPolicy, seen: Snapshot) -> Judgement:
        try:
            return judge(self._evaluator, policy, [seen])[0]
        except EvaluatorError as error:
            return Judgement(Code.ERROR, Reason.EVALUATOR_UNAVAILABLE, f"it could not be judged: {error}")


def _input(subject: Subject, condition: ResolvedCondition, reading: Reading) -> Snapshot:
    return policy_input(
        reading.snapshot,
        condition=condition.id,
        context=subject.context,
        parameters=subject.parameters,
        settings=condition.settings,
        custom=reading.custom,
    )
