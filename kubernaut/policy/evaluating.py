"""The evaluator inside this process: for equality tests, tools and small jobs; the worker program is for the rest.

A policy that hangs, hangs the process that evaluates it, and regopy leaks when it was loaded after numpy or pyarrow:
the operator and replay therefore use `kubernaut.policy.worker`.
"""

import threading
from collections import OrderedDict

from kubernaut.policy.answering import answer
from kubernaut.policy.batch import InputBatch, VerdictBatch
from kubernaut.policy.compiled import CompiledPolicy
from kubernaut.policy.corrections import build_for_judging
from kubernaut.policy.dictionary import DictionaryBuilder
from kubernaut.policy.input_text import MAX_INPUT_BYTES, UnusableInputError, encode_input, unusable
from kubernaut.policy.projecting import projection
from kubernaut.policy.rego_engine import BuiltPolicy

BUILT_KEPT = 64
"""Built policies kept ready; a suite has a dozen, a sweep of candidates some more."""


class InProcessEvaluator:
    """Satisfies `Evaluator` by calling regopy here.

    Parameters
    ----------
    input_bytes : int
        Larger inputs are an Error.
    """

    def __init__(self, *, input_bytes: int = MAX_INPUT_BYTES) -> None:
        self._input_bytes = input_bytes
        self._built: OrderedDict[str, BuiltPolicy] = OrderedDict()
        self._lock = threading.Lock()

    def evaluate(self, policy: CompiledPolicy, batch: InputBatch) -> VerdictBatch:
        """Judge every input of the batch; a policy that fails gives `Code.ERROR`, never an exception."""
        collected = DictionaryBuilder()
        # An interpreter holds one input at a time.
        with self._lock:
            built = self._build(policy)
            cut = projection(policy.reads)
            for index in range(len(batch)):
                try:
                    text = encode_input(cut(batch.row(index)), max_bytes=self._input_bytes)
                except UnusableInputError as error:
                    collected.add(unusable(error))
                    continue
                collected.add(
                    answer(
                        built,
                        policy.package,
                        has_error_message=policy.has_error_message,
                        has_fatal=policy.has_fatal,
                        text=text,
                    )
                )
        return collected.finish()

    def _build(self, policy: CompiledPolicy) -> BuiltPolicy:
        built = self._built.pop(policy.digest, None)
        if built is None:
            modules = {policy.name: policy.source, **policy.libraries}
            built = build_for_judging(policy.package, modules, builtins=policy.builtins)
        self._built[policy.digest] = built
        while len(self._built) > BUILT_KEPT:
            self._built.popitem(last=False)
        return built
