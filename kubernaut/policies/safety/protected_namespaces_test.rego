package safety.protected_namespaces_test

import data.safety.protected_namespaces as policy
import rego.v1

cases := {
	"an ordinary namespace": {"input": {"namespace": "shop"}, "allow": true},
	"the cluster's own": {
		"input": {"namespace": "kube-system"},
		"allow": false,
		"message": "namespace kube-system is protected",
	},
	"the operator's own": {"input": {"namespace": "kubernaut-system"}, "allow": false},
	"where its Jobs run": {"input": {"namespace": "kubernaut-actions"}, "allow": false},
	"unknown is denied": {"input": {}, "allow": false, "message": "not known"},
	"empty is denied": {"input": {"namespace": ""}, "allow": false},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
