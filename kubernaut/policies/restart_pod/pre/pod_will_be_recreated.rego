# METADATA
# title: Pod will be recreated
# description: |
#   Something makes the pod anew when it is deleted: a ReplicaSet that then has fewer pods than it wants, a StatefulSet, a
#   DaemonSet. A pod that nothing controls, or whose ReplicaSet is being scaled down, would be gone for good.
# custom:
#   wrong_when:
#     - Another controller makes its pods anew (an operator's own kind); nobody knows, and the verdict is Error.
#     - The workload is scaled down between this look and the deletion.
#   avoid: Taking an owner reference for a promise; a Job's pod or one of an old ReplicaSet may not come back.
#   prefer: Asking whether the owner wants more pods than would be left.
package precondition.restart_pod.pod_will_be_recreated

import rego.v1

default allow := false

allow if input.pod_will_be_recreated == true

error_message := sprintf("Pod %s is not there", [input.pod_name]) if {
	input.pod_will_be_recreated == null
} else := sprintf("nothing controls Pod %s: deleted, it would be gone for good", [input.pod_name]) if {
	input.pod_will_be_recreated == false
	input.target_pod.controller_kind == null
} else := sprintf("the %s of Pod %s would not make another", [input.target_pod.controller_kind, input.pod_name]) if {
	input.pod_will_be_recreated == false
} else := "whether the pod is made anew is not known" if {
	not allow
}
