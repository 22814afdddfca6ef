package precondition.rollback_deployment.rollout_precedes_incident_test

import data.precondition.rollback_deployment.rollout_precedes_incident as policy
import rego.v1

fresh := {"rollout_before_incident_s": 600, "settings": {"maximum_age_s": 86400}}

cases := {
	"ten minutes before": {"input": fresh, "allow": true},
	"at the same moment": {"input": object.union(fresh, {"rollout_before_incident_s": 0}), "allow": true},
	"weeks before": {
		"input": object.union(fresh, {"rollout_before_incident_s": 1209600}),
		"allow": false,
		"message": "the last rollout began 1209600 s before the incident; up to 86400 s",
	},
	"after it": {
		"input": object.union(fresh, {"rollout_before_incident_s": -60}),
		"allow": false,
		"message": "the last rollout began 60 s after the incident was detected",
	},
	"a longer while": {
		"input": object.union(fresh, {"rollout_before_incident_s": 1209600, "settings": {"maximum_age_s": 2592000}}),
		"allow": true,
	},
	"there is no Deployment": {
		"input": object.union(fresh, {"rollout_before_incident_s": null}),
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
