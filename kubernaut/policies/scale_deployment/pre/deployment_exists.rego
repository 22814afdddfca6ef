# METADATA
# title: Deployment exists
# description: |
#   The Deployment that is to be scaled is in the cluster. Scaling something that was deleted or renamed since the
#   alert fired fails in any case; here it is said before anything is tried.
# custom:
#   wrong_when:
#     - Something creates the Deployment within seconds (a GitOps sync in progress); the block is lifted at the next look.
#     - The run names the wrong namespace. The condition then stops the run rightly, but the cause is the run.
#   avoid: Scaling by a name that an alert's labels carried minutes ago.
#   prefer: Looking the Deployment up just before the change, at the step and again before the action.
package precondition.scale_deployment.deployment_exists

import rego.v1

default allow := false

allow if input.deployment_found == true

error_message := sprintf("Deployment %s not found in namespace %s", [input.deployment_name, input.namespace]) if {
	not allow
}
