package postcondition.restart_pod.workload_serves_test

import data.postcondition.restart_pod.workload_serves as policy
import rego.v1

whole := {"current_replicas": 3, "peer_pods": 3, "ready_peer_pods": 3, "settings": {"minimum_ready_percent": 100}}

cases := {
	"all ready": {"input": whole, "allow": true},
	"one is missing": {
		"input": object.union(whole, {"peer_pods": 2, "ready_peer_pods": 2}),
		"allow": false,
		"message": "2 of 3 pods ready",
	},
	"one is not ready": {
		"input": object.union(whole, {"ready_peer_pods": 2}),
		"allow": false,
		"message": "2 of 3 pods ready",
	},
	"two thirds would do": {
		"input": object.union(whole, {"ready_peer_pods": 2, "settings": {"minimum_ready_percent": 66}}),
		"allow": true,
	},
	"a share is rounded up": {
		"input": object.union(whole, {"ready_peer_pods": 2, "settings": {"minimum_ready_percent": 67}}),
		"allow": false,
	},
	"a StatefulSet": {"input": object.union(whole, {"current_replicas": null}), "allow": true},
	"a StatefulSet with a sick pod": {
		"input": object.union(whole, {"current_replicas": null, "ready_peer_pods": 1}),
		"allow": false,
		"message": "1 of 3 pods ready",
	},
	"no pods at all": {
		"input": object.union(whole, {"current_replicas": null, "peer_pods": 0, "ready_peer_pods": 0}),
		"allow": false,
		"message": "no pods of the workload",
	},
	"nothing controls it": {
		"input": object.union(whole, {"current_replicas": null, "peer_pods": null, "ready_peer_pods": null}),
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
