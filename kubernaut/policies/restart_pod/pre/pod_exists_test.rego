package precondition.restart_pod.pod_exists_test

import data.precondition.restart_pod.pod_exists as policy
import rego.v1

there := {"pod_found": true, "pod_name": "web-1", "namespace": "shop", "target_pod": {"terminating": false}}

cases := {
	"it is there": {"input": there, "allow": true},
	"it is not there": {
		"input": object.union(there, {"pod_found": false, "target_pod": null}),
		"allow": false,
		"message": "Pod web-1 not found in namespace shop",
	},
	"it is going": {
		"input": object.union(there, {"target_pod": {"terminating": true}}),
		"allow": false,
		"message": "Pod web-1 is being deleted already",
	},
	"null is not true": {"input": object.union(there, {"pod_found": null}), "allow": false},
	"text is not true": {"input": object.union(there, {"pod_found": "true"}), "allow": false, "message": "not known"},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
