package postcondition.scale_deployment.cpu_throttling_acceptable_test

import data.postcondition.scale_deployment.cpu_throttling_acceptable as policy
import rego.v1

free := {"cpu_throttling_ratio": 0.05, "settings": {"maximum_throttled_ratio": 0.25}}

cases := {
	"hardly throttled": {"input": free, "allow": true},
	"just tolerated": {"input": object.union(free, {"cpu_throttling_ratio": 0.25}), "allow": true},
	"throttled": {
		"input": object.union(free, {"cpu_throttling_ratio": 0.4}),
		"allow": false,
		"message": "throttled in 40 % of periods, 25 % tolerated",
	},
	"not a number": {
		"input": object.union(free, {"cpu_throttling_ratio": null}),
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
