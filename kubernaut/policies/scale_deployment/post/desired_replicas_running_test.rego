package postcondition.scale_deployment.desired_replicas_running_test

import data.postcondition.scale_deployment.desired_replicas_running as policy
import rego.v1

# Scaled from three to five, and done.
scaled_up := {
	"target_replicas": 5,
	"expected_baseline": 3,
	"running_pods": 5,
	"ready_pods": 5,
	"updated_pods": 5,
	"total_pods": 5,
	"observed_generation_current": true,
	"progress_deadline_exceeded": false,
	"settings": {"minimum_ready_percent": 100},
}

scaled_down := object.union(scaled_up, {
	"target_replicas": 2,
	"expected_baseline": 5,
	"running_pods": 2,
	"ready_pods": 2,
	"updated_pods": 2,
	"total_pods": 2,
})

cases := {
	"all five": {"input": scaled_up, "allow": true},
	"there is no Deployment": {
		"input": {"deployment_found": false, "target_replicas": 5, "settings": {"minimum_ready_percent": 100}},
		"allow": false,
		"message": "no Deployment",
	},
	"three of five": {
		"input": object.union(scaled_up, {"ready_pods": 3, "updated_pods": 5}),
		"allow": false,
		"message": "3 of 5 pods ready",
	},
	"ready, but one has stopped running": {
		"input": object.union(scaled_up, {"running_pods": 4}),
		"allow": false,
		"message": "4 of 5 pods running",
	},
	"some are of the old template": {
		"input": object.union(scaled_up, {"updated_pods": 2}),
		"allow": false,
		"message": "2 of 5 pods are of the current template",
	},
	"the controller is behind": {
		"input": object.union(scaled_up, {"observed_generation_current": false}),
		"allow": false,
		"message": "has not seen the change yet",
	},
	"a rollout's surge is no fault when scaling up": {
		"input": object.union(scaled_up, {"total_pods": 6, "running_pods": 6}),
		"allow": true,
	},
	"down to two": {"input": scaled_down, "allow": true},
	"the surplus is still there": {
		"input": object.union(scaled_down, {"running_pods": 5, "ready_pods": 5, "updated_pods": 5, "total_pods": 5}),
		"allow": false,
		"message": "5 pods of 5 are left after the scale-down to 2",
	},
	"down to none": {
		"input": object.union(scaled_down, {
			"target_replicas": 0,
			"running_pods": 0,
			"ready_pods": 0,
			"updated_pods": 0,
			"total_pods": 0,
		}),
		"allow": true,
	},
	"Kubernetes gave up": {
		"input": object.union(scaled_up, {"ready_pods": 3, "progress_deadline_exceeded": true}),
		"allow": false,
		"fatal": true,
		"message": "3 of 5 pods ready, and the progress deadline is exceeded",
	},
	"Kubernetes gave up on the generation before": {
		"input": object.union(scaled_up, {
			"observed_generation_current": false,
			"progress_deadline_exceeded": true,
		}),
		"allow": false,
	},
	"four fifths would do": {
		"input": object.union(scaled_up, {
			"running_pods": 4,
			"ready_pods": 4,
			"updated_pods": 4,
			"settings": {"minimum_ready_percent": 80},
		}),
		"allow": true,
	},
	"a share is rounded up": {
		"input": object.union(scaled_up, {
			"running_pods": 4,
			"ready_pods": 4,
			"updated_pods": 4,
			"settings": {"minimum_ready_percent": 81},
		}),
		"allow": false,
	},
	"no numbers": {
		"input": object.union(scaled_up, {"running_pods": null, "ready_pods": null, "updated_pods": null}),
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
