# METADATA
# title: Deployment healthy again
# description: |
#   Kubernetes calls the Deployment Available and Progressing, could create every replica, and says so of the current
#   generation, not of the sick one before. Conditions that Kubernetes leaves out count as false.
# custom:
#   wrong_when:
#     - The earlier revision is short of something else by now (a quota, a full node).
#     - The Deployment has no progress deadline; Kubernetes then reports no Progressing condition.
#     - "`minReadySeconds` is longer than the timeout; Available follows only after it."
#   fatal: The progress deadline is exceeded; Kubernetes itself has given up on this rollout.
#   avoid: Reading conditions that were written before the change.
#   prefer: Asking for observedGeneration first.
package postcondition.rollback_deployment.deployment_healthy_again

import data.lib.deployment
import rego.v1

default allow := false

allow if deployment.deployment_healthy(input)

default fatal := false

fatal if {
	not allow
	deployment.deployment_stuck(input)
}

error_message := "no Deployment whose health could be judged" if {
	input.deployment_found == false
} else := "the controller has not seen the change yet" if {
	not input.observed_generation_current == true
} else := "the rollback is stuck: progress deadline exceeded" if {
	fatal
} else := "replicas could not be created (ReplicaFailure)" if {
	input.conditions.ReplicaFailure == true
} else := "the Deployment is not Available" if {
	not input.conditions.Available == true
} else := "the Deployment is not Progressing" if {
	not allow
}
