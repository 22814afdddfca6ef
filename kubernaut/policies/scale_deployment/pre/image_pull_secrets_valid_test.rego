package precondition.scale_deployment.image_pull_secrets_valid_test

import data.precondition.scale_deployment.image_pull_secrets_valid as policy
import rego.v1

working := {"image_pull_secrets_exist": true, "image_pull_secrets_valid": true}

cases := {
	"they worked": {"input": working, "allow": true},
	"there is no Deployment": {
		"input": {"deployment_found": false, "image_pull_secrets_exist": null, "image_pull_secrets_valid": null},
		"allow": false,
		"message": "no Deployment",
	},
	"one does not exist": {
		"input": object.union(working, {"image_pull_secrets_exist": false, "image_pull_secrets_valid": false}),
		"allow": false,
		"message": "does not exist",
	},
	"they are there and did not work": {
		"input": object.union(working, {"image_pull_secrets_valid": false}),
		"allow": false,
		"message": "could not pull",
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
