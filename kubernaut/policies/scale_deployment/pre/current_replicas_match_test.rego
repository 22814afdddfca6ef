package precondition.scale_deployment.current_replicas_match_test

import data.precondition.scale_deployment.current_replicas_match as policy
import rego.v1

as_planned := {"current_replicas": 3, "expected_baseline": 3, "settings": {"tolerance_replicas": 0}}

cases := {
	"as planned": {"input": as_planned, "allow": true},
	"scaled up meanwhile": {
		"input": object.union(as_planned, {"current_replicas": 5}),
		"allow": false,
		"message": "5 replicas now, 3 expected",
	},
	"scaled down meanwhile": {
		"input": object.union(as_planned, {"current_replicas": 1}),
		"allow": false,
		"message": "1 replicas now, 3 expected",
	},
	"within the tolerance": {
		"input": object.union(as_planned, {"current_replicas": 4, "settings": {"tolerance_replicas": 1}}),
		"allow": true,
	},
	"beyond the tolerance": {
		"input": object.union(as_planned, {"current_replicas": 1, "settings": {"tolerance_replicas": 1}}),
		"allow": false,
	},
	"zero is a number": {
		"input": object.union(as_planned, {"current_replicas": 0, "expected_baseline": 0}),
		"allow": true,
	},
	"nothing to compare with": {
		"input": object.union(as_planned, {"current_replicas": null, "expected_baseline": null}),
		"allow": false,
		"message": "missing",
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
