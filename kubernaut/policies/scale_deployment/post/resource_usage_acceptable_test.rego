package postcondition.scale_deployment.resource_usage_acceptable_test

import data.postcondition.scale_deployment.resource_usage_acceptable as policy
import rego.v1

fed_pod := {"name": "web-1", "oom_killed": false}

killed_pod := {"name": "web-2", "oom_killed": true}

fed := {"pods": [fed_pod], "target_replicas": 1, "settings": {"tolerated_oom_killed_pods": 0}}

cases := {
	"none killed": {"input": fed, "allow": true},
	"one killed": {
		"input": object.union(fed, {"pods": [fed_pod, killed_pod]}),
		"allow": false,
		"fatal": true,
		"message": "1 of 2 pods OOM-killed since the action: web-2",
	},
	"one is tolerated": {
		"input": object.union(fed, {"pods": [fed_pod, killed_pod], "settings": {"tolerated_oom_killed_pods": 1}}),
		"allow": true,
	},
	"no pods yet": {
		"input": object.union(fed, {"pods": []}),
		"allow": false,
		"message": "no pods to judge, 1 wanted",
	},
	"no pods wanted": {"input": object.union(fed, {"pods": [], "target_replicas": 0}), "allow": true},
	"not known of one pod": {
		"input": object.union(fed, {"pods": [fed_pod, {"name": "web-3"}]}),
		"allow": false,
		"message": "missing",
	},
	"no list at all": {"input": object.remove(fed, ["pods"]), "allow": false, "message": "missing"},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
