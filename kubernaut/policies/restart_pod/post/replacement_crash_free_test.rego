package postcondition.restart_pod.replacement_crash_free_test

import data.postcondition.restart_pod.replacement_crash_free as policy
import rego.v1

calm_pod := {"name": "web-9", "status": "Running", "restarts_since_baseline": 0, "oom_killed": false}

calm := {"workload_kind": "Deployment", "replacement_pods": [calm_pod], "settings": {"tolerated_restarts": 1}}

cases := {
	"calm": {"input": calm, "allow": true},
	"it loops": {
		"input": object.union(calm, {"replacement_pods": [object.union(calm_pod, {"status": "CrashLoopBackOff"})]}),
		"allow": false,
		"message": "in CrashLoopBackOff after the restart: web-9",
	},
	"it restarted too often": {
		"input": object.union(calm, {"replacement_pods": [object.union(calm_pod, {"restarts_since_baseline": 2})]}),
		"allow": false,
		"fatal": true,
		"message": "restarted more than 1 times: web-9 (2)",
	},
	"one restart is tolerated": {
		"input": object.union(calm, {"replacement_pods": [object.union(calm_pod, {"restarts_since_baseline": 1})]}),
		"allow": true,
	},
	"it was killed": {
		"input": object.union(calm, {"replacement_pods": [object.union(calm_pod, {"oom_killed": true})]}),
		"allow": false,
		"fatal": true,
		"message": "OOM-killed after the restart: web-9",
	},
	"none yet": {
		"input": object.union(calm, {"replacement_pods": []}),
		"allow": false,
		"message": "no replacement has been made yet",
	},
	"nothing controls it": {
		"input": object.union(calm, {"workload_kind": null, "replacement_pods": null}),
		"allow": false,
		"message": "nothing controls the pod",
	},
	"restarts unknown": {
		"input": object.union(calm, {"replacement_pods": [object.remove(calm_pod, ["restarts_since_baseline"])]}),
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
