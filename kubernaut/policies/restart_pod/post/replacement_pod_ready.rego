# METADATA
# title: Replacement pod ready
# description: |
#   The old pod is gone or going, and a pod that the same controller has made since the look before the action is ready. The
#   old pod under the old name does not count: a StatefulSet's replacement has the same name and another UID.
# custom:
#   wrong_when:
#     - The controller makes a pod for another reason at the same time (an autoscaler); it is taken for the replacement.
#     - The new pod needs longer than the timeout to become ready (a large image on a new node, a long warm-up).
#     - The Deployment rolls out at the same time, so that another ReplicaSet makes the pods.
#   avoid: Looking for a ready pod of the workload; the siblings were ready before.
#   prefer: Looking for a pod that was not there before.
package postcondition.restart_pod.replacement_pod_ready

import data.lib.pods
import rego.v1

default allow := false

allow if {
	old_pod_goes
	some pod in input.replacement_pods
	pod.ready == true
}

old_pod_goes if input.pod_found == false

old_pod_goes if input.target_pod.terminating == true

waiting := sort([name |
	some pod in input.replacement_pods
	not pod.ready == true
	name := sprintf("%s (%s)", [pod.name, pod.status])
])

error_message := sprintf("Pod %s is still there, and nobody is deleting it", [input.pod_name]) if {
	not old_pod_goes
	input.pod_found == true
} else := "nothing controls the pod: there is no replacement to wait for" if {
	input.workload_kind == null
} else := "no replacement has been made yet" if {
	not allow
	count(input.replacement_pods) == 0
} else := concat("", ["not ready yet: ", pods.some_names(waiting)]) if {
	not allow
	count(waiting) > 0
} else := "whether a replacement is ready is not known" if {
	not allow
}
