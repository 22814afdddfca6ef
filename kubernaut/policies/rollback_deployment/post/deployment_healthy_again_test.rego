package postcondition.rollback_deployment.deployment_healthy_again_test

import data.postcondition.rollback_deployment.deployment_healthy_again as policy
import rego.v1

healthy := {
	"deployment_found": true,
	"conditions": {"Available": true, "Progressing": true, "ReplicaFailure": false},
	"observed_generation_current": true,
	"progress_deadline_exceeded": false,
}

cases := {
	"healthy": {"input": healthy, "allow": true},
	"there is no Deployment": {"input": {"deployment_found": false}, "allow": false, "message": "no Deployment"},
	"not available": {
		"input": object.union(healthy, {"conditions": {"Available": false, "Progressing": true, "ReplicaFailure": false}}),
		"allow": false,
		"message": "the Deployment is not Available",
	},
	"not progressing": {
		"input": object.union(healthy, {"conditions": {"Available": true, "Progressing": false, "ReplicaFailure": false}}),
		"allow": false,
		"message": "not Progressing",
	},
	"replicas could not be created": {
		"input": object.union(healthy, {"conditions": {"Available": false, "Progressing": true, "ReplicaFailure": true}}),
		"allow": false,
		"message": "ReplicaFailure",
	},
	"conditions of the sick generation": {
		"input": object.union(healthy, {"observed_generation_current": false}),
		"allow": false,
		"message": "has not seen the change yet",
	},
	"Kubernetes gave up": {
		"input": object.union(healthy, {
			"conditions": {"Available": true, "Progressing": false, "ReplicaFailure": false},
			"progress_deadline_exceeded": true,
		}),
		"allow": false,
		"fatal": true,
		"message": "progress deadline exceeded",
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
