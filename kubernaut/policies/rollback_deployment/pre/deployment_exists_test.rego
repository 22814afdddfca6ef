package precondition.rollback_deployment.deployment_exists_test

import data.precondition.rollback_deployment.deployment_exists as policy
import rego.v1

found := {"deployment_found": true, "deployment_name": "web", "namespace": "shop"}

cases := {
	"it is there": {"input": found, "allow": true},
	"it is not there": {
		"input": object.union(found, {"deployment_found": false}),
		"allow": false,
		"message": "Deployment web not found in namespace shop",
	},
	"null is not true": {"input": object.union(found, {"deployment_found": null}), "allow": false},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
