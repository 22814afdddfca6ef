"""Judging the looks of a world by the engine, none of them twice.

Most incidents show the same few small states. An input that is equal to one that was judged has its answer; one that
is equal on what decides to one that passed passes with it, since only messages tell them apart, and a pass has
none. Names of pods stand in most inputs and in few answers, so that this saves nearly all calls of the evaluator.
"""

import hashlib
import json

from kubernaut.facts.snapshot import Snapshot
from kubernaut.json_types import JsonObject
from kubernaut.judging import judge, missing_fact
from kubernaut.policy.batch import Evaluator
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.projecting import projection
from kubernaut.verdicts import Code, Judgement
from kubernaut_simulator.replay.documents import deciding_reads

MOST_REMEMBERED = 200_000
"""Answers that one policy remembers; about 20 MiB. Then it begins anew: memory does not grow with the world."""

_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class WorldJudge:
    """Judges by the engine, and remembers what it has judged.

    Parameters
    ----------
    evaluator : Evaluator
    remember : bool
        False judges every look, for comparison.
    """

    def __init__(self, evaluator: Evaluator, *, remember: bool = True) -> None:
        self._evaluator = evaluator
        self._remember = remember
        self._memories: dict[str, _Memory] = {}
        self.judged = 0
        """Inputs that went through the evaluator."""

    def judge(self, policy: CompiledPolicy, snapshot: Snapshot) -> Judgement:
        """Judge one snapshot that holds what the policy reads, and nothing else.

        Raises
        ------
        EvaluatorError
            The evaluator itself is not there.
        """
        if not self._remember:
            return self._judged(policy, snapshot)
        memory = self._memories.get(policy.digest)
        if memory is None:
            memory = self._memories[policy.digest] = _Memory(policy)
        missing = memory.missing(snapshot)
        if missing is not None:
            return missing
        deciding = memory.deciding(snapshot.facts)
        known = memory.passed.get(deciding)
        if known is not None:
            return known
        whole = _digest(snapshot.facts)
        known = memory.answers.get(whole)
        if known is None:
            known = self._judged(policy, snapshot)
            if known.code is Code.PASSED:
                memory.passed[deciding] = known
            else:
                memory.answers[whole] = known
            memory.bound()
        return known

    def _judged(self, policy: CompiledPolicy, snapshot: Snapshot) -> Judgement:
        self.judged += 1
        return judge(self._evaluator, policy, [snapshot])[0]


class _Memory:
    """What is known of one policy."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        self._deciding = projection(deciding_reads(policy))
        self._missing: dict[object, Judgement | None] = {}
        self.passed: dict[bytes, Judgement] = {}
        self.answers: dict[bytes, Judgement] = {}

    def missing(self, snapshot: Snapshot) -> Judgement | None:
        """Say which fact that the policy reads is missing."""
        state = (tuple(snapshot.unobserved.items()), snapshot.recorded)
        if state not in self._missing:
            self._missing[state] = missing_fact(self._policy, snapshot)
        return self._missing[state]

    def deciding(self, facts: JsonObject) -> bytes:
        """Digest what decides whether the policy passes."""
        return _digest(self._deciding(facts))

    def bound(self) -> None:
        """Forget everything when it has become too much."""
        if len(self.passed) + len(self.answers) + len(self._missing) > MOST_REMEMBERED:
            self.passed.clear()
            self.answers.clear()
            self._missing.clear()


def _digest(facts: JsonObject) -> bytes:
    return hashlib.blake2b(_WRITER.encode(facts).encode(), digest_size=16).digest()
