package postcondition.rollback_deployment.no_crashes_after_rollback_test

import data.postcondition.rollback_deployment.no_crashes_after_rollback as policy
import rego.v1

calm_pod := {"name": "web-1", "status": "Running", "restarts_since_baseline": 0}

calm := {"pods": [calm_pod], "current_replicas": 1, "settings": {"tolerated_restarts": 1}}

cases := {
	"all calm": {"input": calm, "allow": true},
	"one of the sick revision still loops": {
		"input": object.union(calm, {"pods": [calm_pod, {"name": "old-1", "status": "CrashLoopBackOff", "restarts_since_baseline": 1}]}),
		"allow": false,
		"message": "1 of 2 pods in CrashLoopBackOff: old-1",
	},
	"running between two crashes": {
		"input": object.union(calm, {"pods": [object.union(calm_pod, {"restarts_since_baseline": 2})]}),
		"allow": false,
		"message": "1 of 1 pods restarted more than 1 times since the action: web-1 (2)",
	},
	"no pods yet": {"input": object.union(calm, {"pods": []}), "allow": false, "message": "no pods to judge"},
	"no pods wanted": {"input": object.union(calm, {"pods": [], "current_replicas": 0}), "allow": true},
	"restarts unknown": {
		"input": object.union(calm, {"pods": [object.remove(calm_pod, ["restarts_since_baseline"])]}),
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
