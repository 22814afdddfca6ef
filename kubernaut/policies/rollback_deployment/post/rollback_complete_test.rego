package postcondition.rollback_deployment.rollback_complete_test

import data.postcondition.rollback_deployment.rollback_complete as policy
import rego.v1

done := {
	"deployment_found": true,
	"observed_generation_current": true,
	"progress_deadline_exceeded": false,
	"current_replicas": 3,
	"updated_pods": 3,
	"ready_pods": 3,
	"total_pods": 3,
	"settings": {"minimum_ready_percent": 100},
}

cases := {
	"all replaced": {"input": done, "allow": true},
	"there is no Deployment": {
		"input": object.union(done, {"deployment_found": false, "observed_generation_current": null}),
		"allow": false,
		"message": "no Deployment",
	},
	"the controller is behind": {
		"input": object.union(done, {"observed_generation_current": false}),
		"allow": false,
		"message": "has not seen the change yet",
	},
	"one replaced": {
		"input": object.union(done, {"updated_pods": 1}),
		"allow": false,
		"message": "1 of 3 pods are of the current template",
	},
	"a sick one is left": {
		"input": object.union(done, {"total_pods": 4}),
		"allow": false,
		"message": "1 pods of another template are left",
	},
	"not ready yet": {
		"input": object.union(done, {"ready_pods": 2}),
		"allow": false,
		"message": "2 of 3 pods ready",
	},
	"two thirds would do": {
		"input": object.union(done, {"ready_pods": 2, "settings": {"minimum_ready_percent": 66}}),
		"allow": true,
	},
	"Kubernetes gave up": {
		"input": object.union(done, {"ready_pods": 1, "progress_deadline_exceeded": true}),
		"allow": false,
		"fatal": true,
		"message": "1 of 3 pods ready, and the progress deadline is exceeded",
	},
	"Kubernetes gave up on the sick one": {
		"input": object.union(done, {"observed_generation_current": false, "progress_deadline_exceeded": true}),
		"allow": false,
	},
	"none wanted": {
		"input": object.union(done, {"current_replicas": 0, "updated_pods": 0, "ready_pods": 0, "total_pods": 0}),
		"allow": true,
	},
	"no numbers": {
		"input": object.union(done, {"updated_pods": null, "ready_pods": null, "total_pods": null}),
		"allow": false,
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
