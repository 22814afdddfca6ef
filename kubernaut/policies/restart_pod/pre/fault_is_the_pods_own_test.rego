package precondition.restart_pod.fault_is_the_pods_own_test

import data.precondition.restart_pod.fault_is_the_pods_own as policy
import rego.v1

alone := {
	"pod_found": true,
	"pod_name": "web-1",
	"target_pod": {"waiting_reason": "CrashLoopBackOff", "unschedulable": false},
	"peer_pods": 4,
	"ready_peer_pods": 4,
	"settings": {"minimum_ready_peers_percent": 50},
}

cases := {
	"the others serve": {"input": alone, "allow": true},
	"it waits for nothing": {
		"input": object.union(alone, {"target_pod": {"waiting_reason": null, "unschedulable": false}}),
		"allow": true,
	},
	"half of the others serve": {"input": object.union(alone, {"ready_peer_pods": 2}), "allow": true},
	"most of the others are sick, too": {
		"input": object.union(alone, {"ready_peer_pods": 1}),
		"allow": false,
		"message": "only 1 of 4 other pods are ready",
	},
	"all must serve": {
		"input": object.union(alone, {"ready_peer_pods": 3, "settings": {"minimum_ready_peers_percent": 100}}),
		"allow": false,
		"message": "only 3 of 4",
	},
	"there are no others": {"input": object.union(alone, {"peer_pods": 0, "ready_peer_pods": 0}), "allow": true},
	"its image cannot be pulled": {
		"input": object.union(alone, {"target_pod": {"waiting_reason": "ImagePullBackOff", "unschedulable": false}}),
		"allow": false,
		"message": "Pod web-1 waits with ImagePullBackOff, and so would a new one",
	},
	"no node takes it": {
		"input": object.union(alone, {"target_pod": {"waiting_reason": null, "unschedulable": true}}),
		"allow": false,
		"message": "no node takes Pod web-1",
	},
	"it is not there": {
		"input": object.union(alone, {"pod_found": false, "target_pod": null}),
		"allow": false,
		"message": "Pod web-1 is not there",
	},
	"nothing controls it": {
		"input": object.union(alone, {"peer_pods": null, "ready_peer_pods": null}),
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
