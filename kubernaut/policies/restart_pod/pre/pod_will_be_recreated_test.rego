package precondition.restart_pod.pod_will_be_recreated_test

import data.precondition.restart_pod.pod_will_be_recreated as policy
import rego.v1

owned := {"pod_will_be_recreated": true, "pod_name": "web-1", "target_pod": {"controller_kind": "ReplicaSet"}}

cases := {
	"its ReplicaSet makes another": {"input": owned, "allow": true},
	"its ReplicaSet has enough without it": {
		"input": object.union(owned, {"pod_will_be_recreated": false}),
		"allow": false,
		"message": "the ReplicaSet of Pod web-1 would not make another",
	},
	"nothing controls it": {
		"input": object.union(owned, {"pod_will_be_recreated": false, "target_pod": {"controller_kind": null}}),
		"allow": false,
		"message": "nothing controls Pod web-1",
	},
	"it is not there": {
		"input": object.union(owned, {"pod_will_be_recreated": null, "target_pod": null}),
		"allow": false,
		"message": "Pod web-1 is not there",
	},
	"text is not true": {
		"input": object.union(owned, {"pod_will_be_recreated": "true"}),
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
