# METADATA
# title: Deployments
# description: |
#   Questions about a Deployment. The argument is named `facts`: an argument named `input` is refused by OPA, because
#   `input` is the document itself.
package lib.deployment

import rego.v1

# METADATA
# description: The Deployment was found.
deployment_exists(facts) if facts.deployment_found == true

# METADATA
# description: Available and progressing, and no replica could not be created; of this generation, not of the one before.
deployment_healthy(facts) if {
	facts.observed_generation_current == true
	facts.conditions.Available == true
	facts.conditions.Progressing == true
	facts.conditions.ReplicaFailure == false
}

# METADATA
# description: Kubernetes has given up waiting for the current generation (`ProgressDeadlineExceeded`).
deployment_stuck(facts) if {
	facts.observed_generation_current == true
	facts.progress_deadline_exceeded == true
}
