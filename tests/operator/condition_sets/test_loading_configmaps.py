"""A ConfigMap is in force or refused with its file and line; what holds instead is decided by part."""

import re
import time

import pytest
from kubernaut_operator.condition_sets.compiling import PolicyCompiler
from kubernaut_operator.condition_sets.evaluator import OPERATOR_LIMITS
from kubernaut_operator.condition_sets.loading import Loader
from kubernaut_operator.condition_sets.names import Part

from kubernaut.conditions.custom_facts import DEFAULT_KINDS

NAMES = {
    Part.STEP: "kubernaut-workflow-conditions",
    Part.ACTION: "kubernaut-action-conditions",
    Part.SAFETY: "kubernaut-safety-policies",
}
GOOD = "package precondition.x\n\nimport rego.v1\n\nallow if input.deployment_found\n"
TYPO = "package precondition.x\n\nimport rego.v1\n\nallow if input.deployment_fuond\n"
FREEZE = "package safety.freeze\n\nimport rego.v1\n\nallow if not input.parameters.frozen\n"
BAD_FREEZE = "package safety.freeze\n\nimport rego.v1\n\nallow if not input.no_such_fact\n"


@pytest.fixture(scope="module")
def compiler():
    compiler = PolicyCompiler(limits=OPERATOR_LIMITS)
    yield compiler
    compiler.close()


@pytest.fixture
def loader(compiler):
    return Loader(compiler, allowed_kinds=DEFAULT_KINDS)


def configmap(part, version="1", **data):
    metadata = {"name": NAMES[part], "namespace": "kubernaut-system", "uid": "u", "resourceVersion": version}
    data = {key.replace("__", "."): text for key, text in data.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@pytest.mark.parametrize("part", Part)
def test_without_a_configmap_the_shipped_defaults_are_in_force(loader, part):
    found = loader.load(part, None, before=None)

    assert (found.state.accepted, found.origin) == (True, "the shipped defaults")
    assert found.state.resource_version == ""
    assert len(found.state.digest) == 64


def test_a_good_one_is_in_force(loader):
    found = loader.load(Part.ACTION, configmap(Part.ACTION, deployment_exists__rego=GOOD), before=None)

    assert found.state.accepted
    sources = {policy.source for policy in found.conditions.policies.values()}
    assert GOOD in sources
    assert all(policy.plan == {} for policy in found.conditions.policies.values())


def test_a_bad_one_leaves_the_last_good_one_in_force(loader):
    good = loader.load(Part.ACTION, configmap(Part.ACTION, "7", deployment_exists__rego=GOOD), before=None)

    bad = loader.load(Part.ACTION, configmap(Part.ACTION, "8", deployment_exists__rego=TYPO), before=good)
    worse = loader.load(Part.ACTION, configmap(Part.ACTION, "9"), before=bad)

    for found, version in ((bad, "8"), (worse, "9")):
        assert (found.state.accepted, found.origin) == (False, "the ConfigMap of resourceVersion 7")
        assert (found.state.digest, found.state.resource_version) == (good.state.digest, version)
        assert found.content is good.content
    assert bad.state.reason == (
        "kubernaut-action-conditions/deployment_exists.rego:5:10: unknown fact `deployment_fuond`; "
        "did you mean `deployment_found`?"
    )


def test_conditions_that_were_never_good_are_the_shipped_ones(loader):
    shipped = loader.load(Part.STEP, None, before=None)

    found = loader.load(Part.STEP, configmap(Part.STEP, deployment_exists__rego=TYPO), before=None)

    assert (found.state.accepted, found.origin) == (False, "the shipped defaults")
    assert found.state.digest == shipped.state.digest


def test_safety_that_was_never_good_denies_every_action_until_it_is_mended(loader):
    bad = configmap(Part.SAFETY, "1", freeze__rego=BAD_FREEZE)

    found = loader.load(Part.SAFETY, bad, before=None)

    assert found.safety.unusable == (
        "every action is denied until its ConfigMap is mended: kubernaut-safety-policies/freeze.rego:5:14: "
        "unknown fact `no_such_fact`; known here: " + found.safety.unusable.partition("known here: ")[2]
    )
    assert found.origin == "a denial of every action"
    again = loader.load(Part.SAFETY, configmap(Part.SAFETY, "2", settings__yaml="x: 1"), before=found)
    assert "settings.yaml:1: x: no key of this place" in again.safety.unusable
    mended = loader.load(Part.SAFETY, configmap(Part.SAFETY, "3", freeze__rego=FREEZE), before=again)
    assert (mended.state.accepted, mended.safety.unusable) == (True, "")
    assert "freeze" in {one.key for one in mended.safety.policies}


def test_safety_that_was_good_stays_when_its_configmap_breaks(loader):
    good = loader.load(Part.SAFETY, configmap(Part.SAFETY, "1", freeze__rego=FREEZE), before=None)

    bad = loader.load(Part.SAFETY, configmap(Part.SAFETY, "2", freeze__rego=BAD_FREEZE), before=good)

    assert bad.safety is good.safety
    assert not bad.state.accepted


RECURSIVE = "package precondition.p\nimport rego.v1\nallow if f(1)\nf(x) if g(x)\ng(x) if f(x)\n"
NETWORK = 'package precondition.p\nimport rego.v1\nallow if http.send({"url": "http://x"}).status_code == 200\n'
DEEP = "package precondition.p\nimport rego.v1\nallow if x == " + "[" * 2000 + "]" * 2000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"deployment_exists__rego": "x" * 10_000_000}, "10,000,000 bytes; a ConfigMap holds at most 1,048,576"),
        ({"deployment_exists__rego": GOOD + "# x" * 30_000}, "more than the 65536 allowed; move data out"),
        ({"deployment_exists__rego": RECURSIVE}, r"rego:5:9: rules must not call themselves: f -> g -> f"),
        ({"deployment_exists__rego": DEEP}, r"rego:3:56: more than 40 brackets are open here"),
        ({"deployment_exists__rego": NETWORK}, r"rego:3:10: .*http\.send"),
        ({f"c{number}__rego": GOOD for number in range(1000)}, "1,000 policies and libraries; at most 512"),
        ({"settings__yaml": "a: " + "[" * 3_000}, "nested too deep to be read"),
        ({"settings__yaml": "a: &a [1, 1]\nb: [*a, *a]\n"}, r"settings\.yaml:1: YAML anchors and aliases are not"),
        ({"settings__yaml": "\n".join(f"a{number}: {{}}" for number in range(80_000))}, "at most 262,144 are accepted"),
        ({"facts__yaml": "facts: {s: {kind: Secret, apiVersion: v1, jsonPath: .data, type: object}}"}, "Secret"),
        ({}, "it is empty"),
    ],
)
def test_the_hostile_is_refused_with_what_is_wrong_and_where(loader, data, reason):
    more = {"deployment_exists__rego": GOOD} if set(data) == {"facts__yaml"} else {}

    found = loader.load(Part.ACTION, configmap(Part.ACTION, **data, **more), before=None)

    assert not found.state.accepted
    assert re.search(reason, found.state.reason), found.state.reason


def test_policies_that_take_too_long_together_are_refused(compiler):
    loader = Loader(_slowly(compiler), allowed_kinds=DEFAULT_KINDS, compile_limit_s=0.05)

    found = loader.load(Part.ACTION, configmap(Part.ACTION, deployment_exists__rego=GOOD), before=_any(compiler))

    assert "took more than 0.05 s to compile; make them fewer or simpler" in found.state.reason


def _any(compiler):
    return Loader(compiler, allowed_kinds=DEFAULT_KINDS).load(Part.ACTION, None, before=None)


def _slowly(compiler):
    def compile_(source, *, name, libraries):
        time.sleep(0.06)
        return compiler(source, name=name, libraries=libraries)

    return compile_
