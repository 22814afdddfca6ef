package precondition.restart_pod.others_serve_meanwhile_test

import data.precondition.restart_pod.others_serve_meanwhile as policy
import rego.v1

served := {"ready_peer_pods": 2, "target_pod": {"ready": true}, "settings": {"minimum_ready_peers": 1}}

cases := {
	"two others serve": {"input": served, "allow": true},
	"nobody else serves": {
		"input": object.union(served, {"ready_peer_pods": 0}),
		"allow": false,
		"message": "0 other pods are ready, 1 needed while this one restarts",
	},
	"nobody else serves, nor does this one": {
		"input": object.union(served, {"ready_peer_pods": 0, "target_pod": {"ready": false}}),
		"allow": true,
	},
	"more are needed": {
		"input": object.union(served, {"settings": {"minimum_ready_peers": 3}}),
		"allow": false,
		"message": "2 other pods are ready, 3 needed",
	},
	"an outage is taken into account": {
		"input": object.union(served, {"ready_peer_pods": 0, "settings": {"minimum_ready_peers": 0}}),
		"allow": true,
	},
	"nothing controls it": {
		"input": object.union(served, {"ready_peer_pods": null}),
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
