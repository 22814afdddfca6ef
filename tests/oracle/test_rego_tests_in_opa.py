"""The test files beside the policies pass in OPA itself too, as `opa test kubernaut/policies` runs them."""

from pathlib import Path

import pytest

import kubernaut

pytestmark = pytest.mark.oracle

POLICIES = Path(kubernaut.__file__).parent / "policies"
MODULES = {
    str(path.relative_to(POLICIES)): path.read_text(encoding="utf-8") for path in sorted(POLICIES.rglob("*.rego"))
}


def test_every_case_passes(opa):
    response = opa.run_tests(MODULES)

    assert response.compile_error == ""
    assert [name for name, passed in response.tests.items() if not passed] == []
    assert len(response.tests) > 100


def test_a_wrong_case_fails_in_opa(opa):
    file = "scale_deployment/pre/deployment_exists_test.rego"
    wrong = {**MODULES, file: MODULES[file].replace('"input": found, "allow": true', '"input": found, "allow": false')}

    response = opa.run_tests(wrong)

    assert [name for name, passed in response.tests.items() if not passed] == [
        "data.precondition.scale_deployment.deployment_exists_test.test_cases/it is there"
    ]
