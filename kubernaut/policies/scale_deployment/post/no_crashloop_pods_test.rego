package postcondition.scale_deployment.no_crashloop_pods_test

import data.postcondition.scale_deployment.no_crashloop_pods as policy
import rego.v1

calm_pod := {"name": "web-1", "status": "Running", "restarts_since_baseline": 0}

two := [calm_pod, object.union(calm_pod, {"name": "web-2"})]

calm := {"pods": two, "target_replicas": 2, "settings": {"tolerated_restarts": 1}}

cases := {
	"all calm": {"input": calm, "allow": true},
	"one loops": {
		"input": object.union(calm, {"pods": array.concat(two, [object.union(calm_pod, {
			"name": "web-3",
			"status": "CrashLoopBackOff",
			"restarts_since_baseline": 1,
		})])}),
		"allow": false,
		"message": "1 of 3 pods in CrashLoopBackOff: web-3",
	},
	"an init container loops": {
		"input": object.union(calm, {"pods": [object.union(calm_pod, {"status": "Init:CrashLoopBackOff"})]}),
		"allow": false,
		"message": "1 of 1 pods in CrashLoopBackOff: web-1",
	},
	"running between two crashes": {
		"input": object.union(calm, {"pods": [object.union(calm_pod, {"restarts_since_baseline": 2})]}),
		"allow": false,
		"message": "1 of 1 pods restarted more than 1 times since the action: web-1 (2)",
	},
	"one restart is tolerated": {
		"input": object.union(calm, {"pods": [object.union(calm_pod, {"restarts_since_baseline": 1})]}),
		"allow": true,
	},
	"no restart is tolerated": {
		"input": object.union(calm, {
			"pods": [object.union(calm_pod, {"restarts_since_baseline": 1})],
			"settings": {"tolerated_restarts": 0},
		}),
		"allow": false,
	},
	"waiting for the image is another condition's business": {
		"input": object.union(calm, {"pods": [object.union(calm_pod, {"status": "ImagePullBackOff"})]}),
		"allow": true,
	},
	"many loop": {
		"input": object.union(calm, {"pods": [pod |
			some number in numbers.range(1, 5)
			pod := {"name": sprintf("web-%d", [number]), "status": "CrashLoopBackOff", "restarts_since_baseline": 0}
		]}),
		"allow": false,
		"message": "5 of 5 pods in CrashLoopBackOff: web-1, web-2, web-3 and 2 more",
	},
	"no pods yet": {
		"input": object.union(calm, {"pods": []}),
		"allow": false,
		"message": "no pods to judge, 2 wanted",
	},
	"no pods wanted": {"input": object.union(calm, {"pods": [], "target_replicas": 0}), "allow": true},
	"no list at all": {"input": object.remove(calm, ["pods"]), "allow": false, "message": "missing"},
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
