"""`kubernaut check` on policies that read facts of the user's own."""

import json

import pytest
import yaml
from helpers.command_line import kubernaut
from helpers.kube_objects import budget, deployment, pod, replica_set

POLICY = """
package budget
import rego.v1
default allow := false
allow if input.custom.allowed >= 1
error_message := sprintf("%d may go", [input.custom.allowed]) if is_number(input.custom.allowed)
"""
FACT = {"type": "number", "kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "name": "web"}


@pytest.fixture
def check(tmp_path):
    def check(objects, facts):
        data = {
            "scale_deployment.pre.budget_allows.rego": POLICY,
            "settings.yaml": yaml.safe_dump(
                {"version": 1, "actions": {"scale_deployment": {"pre": {"budget_allows": {"required": True}}}}}
            ),
            "facts.yaml": yaml.safe_dump({"version": 1, "facts": facts}),
        }
        conditions = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "kubernaut-action-conditions"},
            "data": data,
        }
        (tmp_path / "conditions.yaml").write_text(yaml.safe_dump(conditions))
        (tmp_path / "dump.json").write_text(json.dumps({"kind": "List", "items": objects}))
        ran = kubernaut(
            *("check", "--objects", tmp_path / "dump.json", "-p", "replicas=5", "-o", "json"),
            *("--conditions", tmp_path / "conditions.yaml"),
        )
        (row,) = (one for one in json.loads(ran.out)["conditions"] if one["condition"].endswith("budget_allows"))
        return row["verdict"], row["message"]

    return check


def family(*more):
    return [deployment(), replica_set(), *(pod(f"web-{n}") for n in range(3)), *more]


def test_a_fact_of_an_object_in_the_dump_is_judged(check):
    facts = {"allowed": {**FACT, "jsonPath": "{.status.disruptionsAllowed}"}}

    for allowed, verdict in ((1, "Passed"), (0, "Failed")):
        found = budget(name="web") | {"apiVersion": "policy/v1", "status": {"disruptionsAllowed": allowed}}
        assert check(family(found), facts)[0] == verdict


def test_what_the_dump_does_not_tell_of_is_an_error_with_its_reason(check):
    of_object = {"allowed": {**FACT, "jsonPath": "{.status.disruptionsAllowed}"}}
    of_query = {"allowed": {"type": "number", "promql": "sum(up)"}}

    assert check(family(), of_object) == (
        "Error",
        "the fact `custom.allowed` could not be observed (NotProvided: the dump has no PodDisruptionBudget of "
        "namespace shop)",
    )
    assert "a dump holds no answers of Prometheus" in check(family(), of_query)[1]
    assert "no facts.yaml defines the custom fact allowed" in check(family(), {})[1]
