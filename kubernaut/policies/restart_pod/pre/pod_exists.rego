# METADATA
# title: Pod exists
# description: |
#   The pod that is to be restarted is in the cluster, and nobody is deleting it already. Between the alert and the action a
#   rollout, a drained node or a person may have replaced it; the pod that took its place is not the sick one.
# custom:
#   wrong_when:
#     - The run names the wrong namespace. The condition then stops the run rightly, but the cause is the run.
#     - A pod hangs in its deletion, and deleting it again with a shorter grace period would have helped.
#   avoid: Restarting by a name that an alert's labels carried minutes ago.
#   prefer: Looking the pod up at the step and again just before the action, which deletes it by its UID.
package precondition.restart_pod.pod_exists

import rego.v1

default allow := false

allow if {
	input.pod_found == true
	input.target_pod.terminating == false
}

error_message := sprintf("Pod %s not found in namespace %s", [input.pod_name, input.namespace]) if {
	input.pod_found == false
} else := sprintf("Pod %s is being deleted already", [input.pod_name]) if {
	input.target_pod.terminating == true
} else := "whether the pod is there is not known" if {
	not allow
}
