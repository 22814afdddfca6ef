"""Random policies and inputs: what we load OPA loads, and both come to the same verdict."""

import pytest
from helpers.generated_policies import inputs, modules
from helpers.known_differences import known_difference
from helpers.verdict_of_opa import difference
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kubernaut.errors import PolicyError
from kubernaut.policy.batch import RowBatch
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

REFUSED_BY_OPA_ALONE = ("rego_type_error", "unused")
"""OPA refuses calls whose types can never be right, and declared variables that are not used: harmless here (docs)."""


def test_generated_policies_load_and_judge_as_in_opa(opa):
    loaded = []
    judged_inputs = []

    @settings(
        max_examples=250,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        report_multiple_bugs=False,
    )
    @given(modules(), st.lists(inputs, min_size=15, max_size=15))
    def compare(source, documents):
        try:
            policy = compile_policy(source, name="generated.rego")
        except PolicyError as error:
            event(f"refused by us: {error.message[:40]}")
            return
        loaded.append(source)
        answered = opa.judge({"generated.rego": source}, policy.package, documents)
        refused = [one for one in REFUSED_BY_OPA_ALONE if one in answered.compile_error]
        if refused:
            event(f"refused by OPA: {refused[0]}")
            return
        assert answered.compile_error == ""
        judged = InProcessEvaluator().evaluate(policy, RowBatch(documents))
        differences = [
            (document, said)
            for index, document in enumerate(documents)
            if (said := difference(answered.answers[index], judged[index]))
            and not known_difference(source, document, answered.answers[index], judged[index])
        ]
        judged_inputs.extend(documents)

        assert differences == []

    compare()

    assert len(loaded) > 100, "the strategy must write policies that load"
    assert len(judged_inputs) > 1000
