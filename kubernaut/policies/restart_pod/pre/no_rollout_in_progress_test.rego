package precondition.restart_pod.no_rollout_in_progress_test

import data.precondition.restart_pod.no_rollout_in_progress as policy
import rego.v1

calm := {
	"workload_kind": "Deployment",
	"observed_generation_current": true,
	"current_replicas": 3,
	"updated_pods": 3,
	"total_pods": 3,
}

cases := {
	"nothing changes": {"input": calm, "allow": true},
	"the controller is behind": {
		"input": object.union(calm, {"observed_generation_current": false}),
		"allow": false,
		"message": "latest spec is not rolled out yet",
	},
	"one pod is of the old template": {
		"input": object.union(calm, {"updated_pods": 3, "total_pods": 4}),
		"allow": false,
		"message": "a rollout is in progress: 3 of 4 pods are of the current template",
	},
	"one is still to be made": {
		"input": object.union(calm, {"updated_pods": 2, "total_pods": 2}),
		"allow": false,
		"message": "the Deployment has 2 of 3 pods",
	},
	"a StatefulSet's pod": {
		"input": {
			"workload_kind": "StatefulSet",
			"observed_generation_current": null,
			"current_replicas": null,
			"updated_pods": null,
			"total_pods": null,
		},
		"allow": true,
	},
	"nothing controls it": {
		"input": {
			"workload_kind": null,
			"observed_generation_current": null,
			"current_replicas": null,
			"updated_pods": null,
			"total_pods": null,
		},
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
