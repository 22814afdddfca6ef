package safety.restart_pod.disruption_budget_respected_test

import data.safety.restart_pod.disruption_budget_respected as policy
import rego.v1

serving := {"pod_found": true, "target_pod": {"ready": true}, "disruptions_allowed": 1}

cases := {
	"one may go": {"input": serving, "allow": true},
	"no budget selects it": {"input": object.union(serving, {"disruptions_allowed": null}), "allow": true},
	"none may go": {
		"input": object.union(serving, {"disruptions_allowed": 0}),
		"allow": false,
		"message": "lets none go now",
	},
	"none may go, and it is not ready": {
		"input": object.union(serving, {"disruptions_allowed": 0, "target_pod": {"ready": false}}),
		"allow": true,
	},
	"an unknown budget is denied": {
		"input": {"pod_found": true, "target_pod": {"ready": true}},
		"allow": false,
		"message": "not known",
	},
	"a pod that is not there is denied": {
		"input": {"pod_found": false, "target_pod": null, "disruptions_allowed": null},
		"allow": false,
		"message": "not known",
	},
	"text is no number": {"input": object.union(serving, {"disruptions_allowed": "1"}), "allow": false},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
