"""`validate`: files are checked as the operator would check them, and nobody needs a cluster for it."""

import pytest
import yaml
from helpers.executions import scaling
from helpers.people_commands import people
from helpers.workflows import scale_step, workflow
from kubernaut_operator.people.options import SaidOutcome

from kubernaut.history.rows import Outcome

READS = "package mine\nimport rego.v1\nallow if input.{} == 1"


@pytest.fixture
def file_of(tmp_path):
    def write(*manifests):
        path = tmp_path / "run.yaml"
        path.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
        return path

    return write


def mine(fact):
    return {"preConditions": [{"type": "mine", "description": "m", "rego": READS.format(fact), "required": True}]}


def test_what_is_well_is_said_with_what_it_will_be_judged_by(file_of):
    path = file_of(
        workflow("shop", "outage", scale_step(1, "shop", "web"), scale_step(2, "shop", "api", dependsOn=[1])),
        scaling("shop", "alone", **mine("current_replicas")),
    )

    ran = people("validate", path)

    assert ran.code == 0, ran.out + ran.err
    first, second = ran.out.splitlines()
    assert first.startswith("WorkflowExecution shop/outage: well (2 steps, ")
    assert second.startswith("KubernetesExecution shop/alone: well (")


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([scale_step(1, "shop", "web", dependsOn=[2])], "step 1 depends on step 2"),
        (
            [scale_step(1, "shop", "web", dependsOn=[2]), scale_step(2, "shop", "web", dependsOn=[1])],
            "the steps wait for one another",
        ),
        ([scale_step(1, "shop", "web", to=-1)], "step 1: scale_deployment parameters: deployment.replicas"),
        ([scale_step(1, "shop", "web", dependson=[2])], "did you mean `dependsOn`?"),
        ([scale_step(1, "shop", "web", **mine("current_replica"))], "unknown fact `current_replica`"),
        ([scale_step(1, "shop", "web", preConditions=[{"type": "nobodys", "required": True}])], "no policy for"),
    ],
)
def test_what_the_operator_would_refuse_is_named(file_of, steps, said):
    ran = people("validate", file_of(workflow("shop", "outage", *steps)))

    assert (ran.code, said in ran.out) == (2, True), ran.out + ran.err
    assert "outage" in ran.out


def test_an_execution_is_about_one_target(file_of):
    manifest = scaling("shop", "alone")
    manifest["spec"]["targetResource"]["name"] = "api"

    ran = people("validate", file_of(manifest))

    assert (ran.code, "write the same object in both" in ran.out) == (2, True)


def test_an_object_without_namespace_or_name_of_its_own_is_placed(file_of):
    manifest = workflow("shop", "", scale_step(1, "shop", "web"))
    manifest["metadata"] = {"generateName": "outage-"}

    ran = people("validate", file_of({"kind": "List", "items": [manifest]}), "--namespace=shop")

    assert (ran.code, "WorkflowExecution shop/outage-: well" in ran.out) == (0, True), ran.out + ran.err


def test_flag_and_file_do_not_speak_of_two_namespaces(file_of):
    ran = people("validate", file_of(scaling("shop", "alone")), "--namespace=other")

    assert (ran.code, "its namespace is shop, and --namespace says other" in ran.err) == (1, True)


def test_a_file_with_nothing_of_ours_is_no_input(file_of, tmp_path):
    assert people("validate", file_of({"kind": "ConfigMap"})).code == 1
    missing = people("validate", tmp_path / "none.yaml")
    assert (missing.code, "check the path" in missing.err) == (1, True)


def test_conditions_of_a_file_are_what_it_is_held_against(file_of, tmp_path):
    conditions = tmp_path / "conditions.yaml"
    data = {"scale_deployment.pre.nobodys.rego": "package p\nimport rego.v1\nallow if input.current_replicas == 1"}
    conditions.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "kubernaut-workflow-conditions", "namespace": "kubernaut-system"},
                "data": data,
            }
        ),
        encoding="utf-8",
    )
    path = file_of(
        workflow("shop", "outage", scale_step(1, "shop", "web", preConditions=[{"type": "nobodys", "required": True}]))
    )

    assert people("validate", path).code == 2
    ran = people("validate", path, "-f", conditions)
    assert ran.code == 0, ran.out + ran.err


def test_every_outcome_can_be_said():
    assert {one.value for one in SaidOutcome} == {one.value for one in Outcome}
