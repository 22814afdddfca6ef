# METADATA
# title: Deployment health check
# description: |
#   Kubernetes calls the Deployment Available and Progressing, could create every replica, and says so of the current
#   generation, not of the one before the change. Conditions that Kubernetes leaves out count as false: a healthy
#   Deployment has no ReplicaFailure at all.
# custom:
#   wrong_when:
#     - The Deployment was unhealthy before for another reason, so that it stays unhealthy although the scaling worked.
#     - The Deployment is paused, or has no progress deadline; Kubernetes then reports no Progressing condition.
#     - "`minReadySeconds` is longer than the timeout; Available follows only after it."
#   fatal: The progress deadline is exceeded; Kubernetes itself has given up on this rollout.
#   avoid: Reading conditions that were written before the change.
#   prefer: Asking for observedGeneration first.
package postcondition.scale_deployment.deployment_health_check

import data.lib.deployment
import rego.v1

default allow := false

allow if deployment.deployment_healthy(input)

default fatal := false

fatal if {
	not allow
	deployment.deployment_stuck(input)
}

problems contains "not Available" if not input.conditions.Available == true

problems contains "not Progressing (progress deadline exceeded)" if {
	not input.conditions.Progressing == true
	input.progress_deadline_exceeded == true
}

problems contains "not Progressing" if {
	not input.conditions.Progressing == true
	not input.progress_deadline_exceeded == true
}

problems contains "replicas could not be created (ReplicaFailure)" if not input.conditions.ReplicaFailure == false

error_message := "no Deployment whose health could be judged" if {
	input.deployment_found == false
} else := "the controller has not seen the change yet" if {
	not input.observed_generation_current == true
} else := concat("", ["the Deployment is ", concat(", ", sort(problems))]) if {
	not allow
}
