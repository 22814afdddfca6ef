# METADATA
# title: Wanted revision serving
# description: |
#   The template of the revision that was meant before the action is the Deployment's, its controller has seen it and taken the
#   revision up under a new number, and pods of it are available. Which revision was meant stays what it was: afterwards "the
#   one before" would be the sick one.
# custom:
#   wrong_when:
#     - Somebody rolls out something newer right after the rollback.
#     - A GitOps tool puts the sick template back within seconds. The condition then fails rightly; pause the tool first.
#   avoid: Trusting the Job, which only sent the change.
#   prefer: Comparing the Deployment's template with the one that was meant.
package postcondition.rollback_deployment.wanted_revision_serving

import rego.v1

default allow := false

allow if {
	input.observed_generation_current == true
	input.wanted_revision_is_current == true
	input.revision_advanced == true
	pods_serve
}

pods_serve if {
	is_number(input.wanted_revision_available_replicas)
	input.wanted_revision_available_replicas > 0
}

pods_serve if input.current_replicas == 0

error_message := "no Deployment whose template could be compared" if {
	input.deployment_found == false
} else := "there was no earlier revision" if {
	input.wanted_revision == null
} else := sprintf("the Deployment does not have the template of revision %d", [input.wanted_revision]) if {
	not input.wanted_revision_is_current == true
} else := "the controller has not seen the change yet" if {
	not input.observed_generation_current == true
} else := sprintf("revision %d has its template back, and no new number yet", [input.wanted_revision]) if {
	not input.revision_advanced == true
} else := sprintf("no pod of revision %d is available yet", [input.wanted_revision]) if {
	not allow
}
