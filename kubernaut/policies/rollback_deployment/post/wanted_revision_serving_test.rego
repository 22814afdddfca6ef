package postcondition.rollback_deployment.wanted_revision_serving_test

import data.postcondition.rollback_deployment.wanted_revision_serving as policy
import rego.v1

back := {
	"deployment_found": true,
	"observed_generation_current": true,
	"current_replicas": 3,
	"wanted_revision": 4,
	"wanted_revision_is_current": true,
	"revision_advanced": true,
	"wanted_revision_available_replicas": 1,
}

cases := {
	"it is back": {"input": back, "allow": true},
	"there is no Deployment": {
		"input": {"deployment_found": false},
		"allow": false,
		"message": "no Deployment",
	},
	"there was none": {
		"input": object.union(back, {"wanted_revision": null, "wanted_revision_is_current": null}),
		"allow": false,
		"message": "there was no earlier revision",
	},
	"another template": {
		"input": object.union(back, {"wanted_revision_is_current": false}),
		"allow": false,
		"message": "does not have the template of revision 4",
	},
	"the controller is behind": {
		"input": object.union(back, {"observed_generation_current": false, "revision_advanced": false}),
		"allow": false,
		"message": "has not seen the change yet",
	},
	"no new number": {
		"input": object.union(back, {"revision_advanced": false}),
		"allow": false,
		"message": "revision 4 has its template back, and no new number yet",
	},
	"no pod yet": {
		"input": object.union(back, {"wanted_revision_available_replicas": 0}),
		"allow": false,
		"message": "no pod of revision 4 is available yet",
	},
	"none is wanted": {
		"input": object.union(back, {"wanted_revision_available_replicas": 0, "current_replicas": 0}),
		"allow": true,
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
