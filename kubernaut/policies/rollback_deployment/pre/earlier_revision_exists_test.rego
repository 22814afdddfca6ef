package precondition.rollback_deployment.earlier_revision_exists_test

import data.precondition.rollback_deployment.earlier_revision_exists as policy
import rego.v1

kept := {
	"deployment_found": true,
	"wanted_revision": 4,
	"wanted_revision_exists": true,
	"wanted_revision_is_current": false,
}

cases := {
	"it is kept": {"input": kept, "allow": true},
	"there is no Deployment": {
		"input": {
			"deployment_found": false,
			"wanted_revision": null,
			"wanted_revision_exists": null,
			"wanted_revision_is_current": null,
		},
		"allow": false,
		"message": "no Deployment that could be rolled back",
	},
	"the first one": {
		"input": object.union(kept, {
			"wanted_revision": null,
			"wanted_revision_exists": false,
			"wanted_revision_is_current": null,
		}),
		"allow": false,
		"message": "there is no earlier revision",
	},
	"not kept any more": {
		"input": object.union(kept, {"wanted_revision_exists": false, "wanted_revision_is_current": null}),
		"allow": false,
		"message": "revision 4 is not kept",
	},
	"in force already": {
		"input": object.union(kept, {"wanted_revision_is_current": true}),
		"allow": false,
		"message": "revision 4 is in force already",
	},
	"text is not true": {
		"input": object.union(kept, {"wanted_revision_exists": "true"}),
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
