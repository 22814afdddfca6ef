package precondition.rollback_deployment.rollouts_not_paused_test

import data.precondition.rollback_deployment.rollouts_not_paused as policy
import rego.v1

cases := {
	"not paused": {"input": {"deployment_paused": false}, "allow": true},
	"paused": {
		"input": {"deployment_paused": true},
		"allow": false,
		"message": "the Deployment is paused",
	},
	"there is no Deployment": {"input": {"deployment_paused": null}, "allow": false, "message": "no Deployment"},
	"text is not false": {"input": {"deployment_paused": "false"}, "allow": false, "message": "not known"},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
