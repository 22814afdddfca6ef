"""Policies of a ConfigMap that hang or eat memory while many runs are judged: each costs its own verdict alone."""

import pytest

pytestmark = [pytest.mark.xdist_group("control-plane"), pytest.mark.cluster]

HANGS = """package precondition.hangs

import rego.v1

allow if {
  some x in numbers.range(1, 30000)
  some y in numbers.range(1, 30000)
  x * y == 7919 * 7919 * 31
}
"""
GREEDY = "package precondition.greedy\n\nimport rego.v1\n\nallow if count(numbers.range(1, 100000000)) > 0\n"
RECURSIVE = "package precondition.p\nimport rego.v1\nallow if f(1)\nf(x) if g(x)\ng(x) if f(x)\n"
WARNS = "{required: true, rolloutPercent: 0, timeout: 10s}"
ENFORCED = "{required: true, rolloutPercent: 100, timeout: 10s}"
TARGETS = ("one", "two", "three")


def verdicts(found):
    return {one["conditionType"]: one for one in found["status"]["validationResults"]["preConditionResults"]}


@pytest.fixture
def misbehaving(conditions):
    """Put policies that misbehave into the ConfigMap, in warn mode or enforced; taken out after the test."""

    def put(how, **policies):
        added = "".join(f"      {name}: {how}\n" for name in policies)
        settings = conditions.quick().replace("    pre:\n", f"    pre:\n{added}", 1)
        version = conditions.put(settings, **{f"{name}__rego": text for name, text in policies.items()})
        return f"the ConfigMap of resourceVersion {version}"

    yield put
    conditions.put(conditions.quick())


def test_each_costs_its_own_verdict(operator, shop, misbehaving):
    shop.deploy(*TARGETS)
    put = misbehaving(WARNS, hangs=HANGS, greedy=GREEDY)
    operator.wait_for_log("ConfigMap in force", in_force=put)
    shop.scale(*TARGETS)

    for target in TARGETS:
        found = shop.cleaned(target, limit_s=120)
        assert found["status"]["phase"] == "succeeded"
        mine = verdicts(found)
        assert (mine["hangs"]["verdict"], mine["greedy"]["verdict"]) == ("Error", "Error")
        assert mine["deployment_exists"]["verdict"] == "Passed"
    assert operator.ask("/healthz")[0] == 200


def test_an_enforced_one_blocks_with_its_own_reason(operator, shop, misbehaving):
    shop.deploy("blocked")
    put = misbehaving(ENFORCED, hangs=HANGS)
    operator.wait_for_log("ConfigMap in force", in_force=put)
    shop.scale("blocked")

    found = shop.wait_phase("blocked", "blocked")

    assert found["status"]["message"].startswith("hangs: ")
    assert (shop.jobs("blocked"), shop.replicas("blocked")) == ([], 2)


def test_a_recursive_one_never_comes_into_force(operator, shop, misbehaving):
    shop.deploy("unharmed")
    misbehaving(ENFORCED, recursive=RECURSIVE)
    refused = operator.wait_for_log("ConfigMap refused")
    assert "rules must not call themselves: f -> g -> f" in refused["reason"]
    shop.scale("unharmed")

    found = shop.cleaned("unharmed")

    assert found["status"]["phase"] == "succeeded"
    assert "recursive" not in verdicts(found)
