"""Safety policies: shipped ones always, additions only, closed on every failure."""

from dataclasses import replace

import pytest

from kubernaut.conditions.inputs import RunContext
from kubernaut.errors import EvaluatorError, PolicyError, SettingsError
from kubernaut.facts.snapshot import Snapshot, Unobserved, UnobservedReason
from kubernaut.policy.compiling import compile_policy
from kubernaut.policy.evaluating import InProcessEvaluator
from kubernaut.safety import SAFETY_CONFIGMAP, judge_safety, safety_set, weakened_safety
from kubernaut.shipped import shipped_safety_policies
from kubernaut.verdicts import Reason

FACTS = {
    "namespace": "shop",
    "deployment_name": "cart",
    "deployment_found": True,
    "current_replicas": 3,
    "target_replicas": 5,
    "hpa_found": False,
    "hpa_min_replicas": None,
}
FREEZE = (
    'package safety.freeze\n\nimport rego.v1\n\nallow if not input.parameters.frozen\n\nerror_message := "a freeze"\n'
)


def configmap(**data):
    return {
        "kind": "ConfigMap",
        "metadata": {"name": SAFETY_CONFIGMAP},
        "data": {key.replace("__", "."): text for key, text in data.items()},
    }


def loaded(**data):
    return safety_set(configmap(**data) if data else None, compile_=compile_policy)


def denied(safety, *, action="scale_deployment", evaluator=None, parameters=None, unobserved=None, **facts):
    return judge_safety(
        evaluator or InProcessEvaluator(),
        safety,
        Snapshot(facts=FACTS | facts, unobserved=unobserved or {}),
        action=action,
        context=RunContext(step=1, incident="i"),
        parameters=parameters or {},
    )


def test_the_shipped_ones_are_always_there():
    shipped = {one.name if one.action is None else f"{one.action}.{one.name}" for one in shipped_safety_policies()}

    assert {one.key for one in loaded().policies} == shipped
    assert {one.key for one in loaded(freeze__rego=FREEZE).policies} == {*shipped, "freeze"}
    assert {one.key for one in loaded().of("restart_pod")} == {
        "protected_namespaces",
        "restart_pod.disruption_budget_respected",
    }
    assert [one.key for one in loaded().of("rollback_deployment")] == ["protected_namespaces"]


def test_a_ready_pod_goes_only_where_its_budgets_let_one_go():
    def restart(**facts):
        seen = {"pod_found": True, "target_pod": {"ready": True}, "disruptions_allowed": 1, **facts}
        return [one.message for one in denied(loaded(), action="restart_pod", **seen)]

    assert restart() == []
    assert restart(disruptions_allowed=None) == []
    assert restart(disruptions_allowed=0) == [
        "safety.restart_pod.disruption_budget_respected: "
        "a PodDisruptionBudget of the ready pod lets none go now (disruptionsAllowed is 0)"
    ]
    assert restart(disruptions_allowed=0, target_pod={"ready": False}) == []


def test_a_budget_that_could_not_be_read_denies():
    hidden = {"disruptions_allowed": Unobserved(UnobservedReason.FORBIDDEN, "may not list")}
    (one,) = denied(loaded(), action="restart_pod", pod_found=True, target_pod={"ready": True}, unobserved=hidden)

    assert (one.key, one.judgement.reason) == ("restart_pod.disruption_budget_respected", Reason.FACT_UNOBSERVED)


@pytest.mark.parametrize(
    ("now", "asked", "message"),
    [
        (3, 15, ""),
        (3, 16, "16 replicas asked for, at most 15 allowed from 3"),
        (0, 5, ""),
        (0, 6, "6 replicas asked for, at most 5 allowed from 0"),
        (400, 500, ""),
        (400, 501, "501 replicas asked for, at most 500 allowed from 400"),
        (600, 590, ""),
    ],
)
def test_without_a_configmap_the_bounds_are_the_shipped_ones(now, asked, message):
    found = denied(loaded(), current_replicas=now, target_replicas=asked)

    assert [one.message for one in found] == ([f"safety.scale_deployment.bounded_change: {message}"] if message else [])
    assert {one.key: dict(one.settings) for one in loaded().policies}["scale_deployment.bounded_change"] == {
        "factor": 5,
        "step_replicas": 5,
        "maximum_replicas": 500,
    }


def test_what_is_safe_is_let_through_and_what_is_not_is_told():
    assert denied(loaded()) == ()
    (one,) = denied(loaded(), namespace="kube-system")

    assert one.message == "safety.protected_namespaces: namespace kube-system is protected: no action may touch it"
    assert [one.key for one in denied(loaded(), target_replicas=300)] == ["scale_deployment.bounded_change"]


def test_additions_deny_too():
    safety = loaded(freeze__rego=FREEZE, scale_deployment__freeze__rego=FREEZE)

    assert [one.key for one in denied(safety, parameters={"frozen": True})] == ["freeze", "scale_deployment.freeze"]
    assert [one.key for one in denied(safety, action="rollback_deployment", parameters={"frozen": True})] == ["freeze"]


class Absent:
    def evaluate(self, policy, batch):
        raise EvaluatorError("no policy worker listens")


def test_what_cannot_be_judged_is_denied():
    hidden = {"namespace": Unobserved(UnobservedReason.FORBIDDEN)}
    raises = "package safety.odd\n\nimport rego.v1\n\nallow if to_number(input.namespace) > 1\n"
    text = 'package safety.text\n\nimport rego.v1\n\nallow := "yes"\n'

    assert {one.judgement.reason for one in denied(loaded(), unobserved=hidden)} == {Reason.FACT_UNOBSERVED}
    assert len(denied(loaded(), evaluator=Absent())) == len(loaded().of("scale_deployment"))
    assert [one.judgement.reason for one in denied(loaded(odd__rego=raises))] == [Reason.POLICY_ERROR]
    assert [one.judgement.reason for one in denied(loaded(text__rego=text))] == [Reason.NON_BOOLEAN_RESULT]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"protected_namespaces.rego": FREEZE}, "it ships with the package; this ConfigMap may only add"),
        ({"scale_deployment.bounded_change.rego": FREEZE}, "may only add"),
        ({"lib.quantities.rego": "package lib.quantities\n"}, "may only add"),
        ({"settings.yaml": "policies: {gone: {x: 1}}"}, "policies.gone: there is no such policy"),
        ({"settings.yaml": "policies: {scale_deployment.bounded_change: {factor: 50}}"}, "factor: 50 is out of the bounds"),
        ({"settings.yaml": "policies: {scale_deployment.bounded_change: {facto: 2}}"}, "no such parameter; it declares"),
        ({"settings.yaml": "policies: {protected_namespaces: {x: 2}}"}, "it declares none"),
        ({"settings.yaml": "polices: {}"}, "polices: unknown key; did you mean `policies`?"),
    ],
)  # fmt: skip
def test_nothing_shipped_can_be_replaced_or_widened(data, message):
    with pytest.raises(SettingsError) as caught:
        safety_set({"kind": "ConfigMap", "metadata": {"name": SAFETY_CONFIGMAP}, "data": data}, compile_=compile_policy)

    assert str(caught.value).startswith(SAFETY_CONFIGMAP)
    assert message in str(caught.value)


def test_an_addition_is_under_safety():
    with pytest.raises(PolicyError, match="must be under `safety`, not `freeze`"):
        loaded(freeze__rego=FREEZE.replace("safety.freeze", "freeze"))


def test_bounds_can_be_set_tighter():
    safety = loaded(settings__yaml="policies: {scale_deployment.bounded_change: {factor: 1, step_replicas: 1}}")

    assert [one.key for one in denied(safety)] == ["scale_deployment.bounded_change"]
    assert safety.digest != loaded().digest
    assert loaded(settings__yaml="").digest == loaded().digest


def test_libraries_can_be_added_and_other_keys_are_ignored_with_a_warning():
    library = "package lib.freeze\n\nimport rego.v1\n\nfrozen(p) if p.frozen\n"
    uses = "package safety.freeze\n\nimport rego.v1\n\nallow if not data.lib.freeze.frozen(input.parameters)\n"
    safety = loaded(lib__freeze__rego=library, freeze__rego=uses, notes__txt="x")

    assert [one.key for one in denied(safety, parameters={"frozen": True})] == ["freeze"]
    assert safety.warnings[0].startswith(f"{SAFETY_CONFIGMAP}: key notes.txt is ignored")


def test_a_denial_is_one_short_line():
    long = FREEZE.replace("a freeze", "x" * 900)
    (one,) = denied(loaded(freeze__rego=long), parameters={"frozen": True})

    assert len(one.message) == 256


def test_additions_that_cannot_be_read_deny_everything():
    broken = replace(loaded(), unusable="its ConfigMap cannot be used: freeze.rego:3:7: no such fact")

    (denial,) = denied(broken)

    assert denial.message == "safety.additions: its ConfigMap cannot be used: freeze.rego:3:7: no such fact"
    assert denial.judgement.reason is Reason.POLICY_ERROR
    assert denied(broken, action="another_action") != ()
    assert broken.digest != loaded().digest


def test_what_denies_less_than_before_is_named():
    before = loaded(freeze__rego=FREEZE)
    tighter = loaded(settings__yaml="policies: {scale_deployment.bounded_change: {factor: 1}}")

    assert weakened_safety(loaded(), before) == ()
    assert weakened_safety(before, before) == ()
    assert weakened_safety(before, loaded()) == ("the safety policy freeze was dropped",)
    assert weakened_safety(tighter, loaded()) == (
        "factor of the safety policy scale_deployment.bounded_change was 1 and is 5 now",
    )
