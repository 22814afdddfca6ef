package postcondition.restart_pod.replacement_pod_ready_test

import data.postcondition.restart_pod.replacement_pod_ready as policy
import rego.v1

replaced := {
	"pod_found": false,
	"pod_name": "web-1",
	"workload_kind": "Deployment",
	"target_pod": null,
	"replacement_pods": [{"name": "web-9", "status": "Running", "ready": true}],
}

starting := {"name": "web-9", "status": "ContainerCreating", "ready": false}

cases := {
	"another is ready": {"input": replaced, "allow": true},
	"another is ready while the old one ends": {
		"input": object.union(replaced, {"pod_found": true, "target_pod": {"terminating": true}}),
		"allow": true,
	},
	"the old one was not deleted": {
		"input": object.union(replaced, {"pod_found": true, "target_pod": {"terminating": false}}),
		"allow": false,
		"message": "Pod web-1 is still there, and nobody is deleting it",
	},
	"none has been made": {
		"input": object.union(replaced, {"replacement_pods": []}),
		"allow": false,
		"message": "no replacement has been made yet",
	},
	"it is starting": {
		"input": object.union(replaced, {"replacement_pods": [starting]}),
		"allow": false,
		"message": "not ready yet: web-9 (ContainerCreating)",
	},
	"one of two is ready": {
		"input": object.union(replaced, {"replacement_pods": [starting, {"name": "web-8", "status": "Running", "ready": true}]}),
		"allow": true,
	},
	"nothing controls it": {
		"input": object.union(replaced, {"workload_kind": null, "replacement_pods": null}),
		"allow": false,
		"message": "nothing controls the pod",
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
