package safety.scale_deployment.no_scale_to_zero_test

import data.safety.scale_deployment.no_scale_to_zero as policy
import rego.v1

cases := {
	"down to one": {"input": {"current_replicas": 3, "target_replicas": 1}, "allow": true},
	"down to none": {
		"input": {"current_replicas": 3, "target_replicas": 0},
		"allow": false,
		"message": "from 3 to 0",
	},
	"none stays none": {"input": {"current_replicas": 0, "target_replicas": 0}, "allow": true},
	"unknown is denied": {"input": {"current_replicas": 3}, "allow": false, "message": "not known"},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
