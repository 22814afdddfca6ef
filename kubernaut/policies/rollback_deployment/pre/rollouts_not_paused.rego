# METADATA
# title: Rollouts not paused
# description: |
#   The Deployment is not paused. In a paused one a changed template changes no pod, so that a rollback would look done and
#   nothing would happen until somebody resumes it.
# custom:
#   wrong_when:
#     - A canary tool pauses the Deployment and would resume it itself.
#   avoid: Resuming what somebody paused on purpose.
#   prefer: Telling a person, who knows why it was paused.
package precondition.rollback_deployment.rollouts_not_paused

import rego.v1

default allow := false

allow if input.deployment_paused == false

error_message := "the Deployment is paused: a rollback would change no pod until it is resumed" if {
	input.deployment_paused == true
} else := "no Deployment that could be rolled back" if {
	input.deployment_paused == null
} else := "whether the Deployment is paused is not known" if {
	not allow
}
