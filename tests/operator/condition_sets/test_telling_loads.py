"""What is ignored of a ConfigMap is logged, not without end; without Events the log says all there is."""

import pytest
import structlog
from kubernaut_operator.condition_sets.compiling import PolicyCompiler
from kubernaut_operator.condition_sets.evaluator import OPERATOR_LIMITS
from kubernaut_operator.condition_sets.loading import Loader
from kubernaut_operator.condition_sets.names import ConfigMapNames, Part
from kubernaut_operator.condition_sets.telling import MAX_WARNINGS, Teller

from kubernaut.conditions.custom_facts import DEFAULT_KINDS

KEY = ConfigMapNames().key(Part.SAFETY)
POLICY = "package safety.{0}\n\nimport rego.v1\n\nallow if not input.parameters.frozen\n"


@pytest.fixture(scope="module")
def loader():
    compiler = PolicyCompiler(limits=OPERATOR_LIMITS)
    yield Loader(compiler, allowed_kinds=DEFAULT_KINDS)
    compiler.close()


def configmap(**data):
    metadata = {"name": KEY.name, "namespace": KEY.namespace, "uid": "u", "resourceVersion": "7"}
    return {"metadata": metadata, "data": {key.replace("__", "."): text for key, text in data.items()}}


def told(*loads):
    with structlog.testing.capture_logs() as logged:
        teller = Teller(None)
        for content, before, after in loads:
            teller.tell(KEY, content, before=before, after=after)
    return logged


def test_ignored_keys_are_named_up_to_a_page_of_them(loader):
    content = configmap(**{f"note{number}__txt": "x" for number in range(MAX_WARNINGS + 5)})

    logged = told((content, None, loader.load(Part.SAFETY, content, before=None)))

    named = [entry["warning"] for entry in logged if entry["event"] == "ConfigMap: something is ignored"]
    assert len(named) == MAX_WARNINGS
    assert named[0].startswith("kubernaut-safety-policies: key note0.txt is ignored")
    assert [entry["count"] for entry in logged if entry["event"] == "ConfigMap: more is ignored"] == [5]


def test_safety_policies_that_were_dropped_are_named(loader):
    content = configmap(**{f"p{number}__rego": POLICY.format(f"p{number}") for number in range(3)})
    before = loader.load(Part.SAFETY, content, before=None)

    logged = told((None, before, loader.load(Part.SAFETY, None, before=before)))

    (weaker,) = [entry for entry in logged if entry["event"] == "guard weakened"]
    assert weaker["reason"] == "SafetyWeakened"
    assert weaker["changes"] == [f"the safety policy p{number} was dropped" for number in range(3)]
