# METADATA
# title: Fault is the pod's own
# description: |
#   A restart may help: the pod does not wait for something that a new one would wait for as well (an image that cannot be
#   pulled, a missing ConfigMap or Secret, a node with room), and most of its siblings, which run the same template, serve.
#   Where the siblings are sick too, the fault is in what they share. A single pod has nothing to be compared with and passes.
# custom:
#   parameters:
#     minimum_ready_peers_percent:
#       default: 50
#       minimum: 0
#       maximum: 100
#       description: Share of the workload's other pods, in percent, that must be ready.
#   wrong_when:
#     - All replicas hang after an outage of something they depend on, and each needs its restart.
#     - The siblings are sick for another reason.
#     - The pod is ready and misbehaves all the same (a leak, a stuck queue); nothing here tells that a restart helps.
#   avoid: Restarting pods one by one that all fail for the same reason.
#   prefer: Comparing with pods of the same workload.
package precondition.restart_pod.fault_is_the_pods_own

import rego.v1

# What a new pod of the same template would wait for, too.
waits_in_vain := {
	"ImagePullBackOff",
	"ErrImagePull",
	"ErrImageNeverPull",
	"InvalidImageName",
	"CreateContainerConfigError",
}

default allow := false

allow if {
	not shares_its_fault
	is_number(input.peer_pods)
	is_number(input.ready_peer_pods)
	input.target_pod.unschedulable == false
	siblings_serve
}

shares_its_fault if input.target_pod.waiting_reason in waits_in_vain

siblings_serve if input.peer_pods == 0

siblings_serve if input.ready_peer_pods * 100 >= input.peer_pods * input.settings.minimum_ready_peers_percent

error_message := sprintf("Pod %s is not there", [input.pod_name]) if {
	input.pod_found == false
} else := sprintf("Pod %s waits with %s, and so would a new one", [input.pod_name, input.target_pod.waiting_reason]) if {
	shares_its_fault
} else := sprintf("no node takes Pod %s, nor would one take another", [input.pod_name]) if {
	input.target_pod.unschedulable == true
} else := sprintf("only %d of %d other pods are ready: the fault is not this pod's alone", [
	input.ready_peer_pods,
	input.peer_pods,
]) if {
	not allow
	is_number(input.ready_peer_pods)
	is_number(input.peer_pods)
	not siblings_serve
} else := "the pod, or the pods beside it, are not known" if {
	not allow
}
