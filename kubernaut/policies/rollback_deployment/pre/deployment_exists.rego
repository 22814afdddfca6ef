# METADATA
# title: Deployment exists
# description: |
#   The Deployment that is to be rolled back is in the cluster. Rolling back something that was deleted or renamed since the
#   alert fired fails in any case; here it is said before anything is tried.
# custom:
#   wrong_when:
#     - Something creates the Deployment within seconds (a GitOps sync in progress); the block is lifted at the next look.
#     - The run names the wrong namespace. The condition then stops the run rightly, but the cause is the run.
#   avoid: Rolling back by a name that an alert's labels carried minutes ago.
#   prefer: Looking the Deployment up before anything else is judged.
package precondition.rollback_deployment.deployment_exists

import data.lib.deployment
import rego.v1

default allow := false

allow if deployment.deployment_exists(input)

error_message := sprintf("Deployment %s not found in namespace %s", [input.deployment_name, input.namespace]) if {
	not allow
}
