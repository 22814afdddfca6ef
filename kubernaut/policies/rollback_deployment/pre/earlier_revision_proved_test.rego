package precondition.rollback_deployment.earlier_revision_proved_test

import data.precondition.rollback_deployment.earlier_revision_proved as policy
import rego.v1

proved := {
	"wanted_revision": 4,
	"wanted_revision_available_replicas": 0,
	"wanted_revision_served_s": 90000,
	"settings": {"minimum_served_s": 600},
}

cases := {
	"it stood for a day": {"input": proved, "allow": true},
	"it serves now": {
		"input": object.union(proved, {"wanted_revision_available_replicas": 2, "wanted_revision_served_s": 5}),
		"allow": true,
	},
	"a minute only": {
		"input": object.union(proved, {"wanted_revision_served_s": 60}),
		"allow": false,
		"message": "revision 4 stood for 60 s only, 600 s needed",
	},
	"a minute is enough": {
		"input": object.union(proved, {"wanted_revision_served_s": 60, "settings": {"minimum_served_s": 60}}),
		"allow": true,
	},
	"there is none": {
		"input": object.union(proved, {
			"wanted_revision": null,
			"wanted_revision_available_replicas": null,
			"wanted_revision_served_s": null,
		}),
		"allow": false,
		"message": "there is no earlier revision",
	},
	"no number": {
		"input": object.union(proved, {"wanted_revision_served_s": null}),
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
