package safety.scale_deployment.bounded_change_test

import data.safety.scale_deployment.bounded_change as policy
import rego.v1

bounds := {"settings": {"factor": 5, "step_replicas": 5, "maximum_replicas": 500}}

cases := {
	"three to five": {"input": object.union(bounds, {"current_replicas": 3, "target_replicas": 5}), "allow": true},
	"three to fifteen": {
		"input": object.union(bounds, {"current_replicas": 3, "target_replicas": 15}),
		"allow": true,
	},
	"three to thirty": {
		"input": object.union(bounds, {"current_replicas": 3, "target_replicas": 30}),
		"allow": false,
		"message": "30 replicas asked for, at most 15 allowed from 3",
	},
	"none to five": {"input": object.union(bounds, {"current_replicas": 0, "target_replicas": 5}), "allow": true},
	"above every bound": {
		"input": object.union(bounds, {"current_replicas": 400, "target_replicas": 501}),
		"allow": false,
		"message": "at most 500 allowed",
	},
	"down from above every bound": {
		"input": object.union(bounds, {"current_replicas": 600, "target_replicas": 550}),
		"allow": true,
	},
	"unknown is denied": {
		"input": object.union(bounds, {"target_replicas": 5}),
		"allow": false,
		"message": "not known",
	},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
