package precondition.scale_deployment.node_selector_matches_test

import data.precondition.scale_deployment.node_selector_matches as policy
import rego.v1

matching := {"matching_nodes": 2, "ready_nodes": 3, "settings": {"minimum_matching_nodes": 1}}

cases := {
	"two nodes match": {"input": matching, "allow": true},
	"there is no Deployment": {
		"input": object.union(matching, {"deployment_found": false, "matching_nodes": null}),
		"allow": false,
		"message": "no Deployment",
	},
	"none matches": {
		"input": object.union(matching, {"matching_nodes": 0}),
		"allow": false,
		"message": "0 nodes match the node selector, 1 needed",
	},
	"no node is Ready": {
		"input": object.union(matching, {"ready_nodes": 0}),
		"allow": false,
		"message": "no node is Ready",
	},
	"more are needed": {
		"input": object.union(matching, {"settings": {"minimum_matching_nodes": 3}}),
		"allow": false,
		"message": "2 nodes match the node selector, 3 needed",
	},
	"a missing number is not enough": {
		"input": object.union(matching, {"matching_nodes": null}),
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
