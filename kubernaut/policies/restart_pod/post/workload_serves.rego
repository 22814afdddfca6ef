# METADATA
# title: Workload serves
# description: |
#   The workload is whole again: of the pods that it wants (a Deployment's replicas, else as many as there are) the share that
#   is asked for is ready, the old pod not counted. The replacement may be well and the service still short of pods.
# custom:
#   parameters:
#     minimum_ready_percent:
#       default: 100
#       minimum: 1
#       maximum: 100
#       description: Share of the wanted pods, in percent rounded up, that must be ready.
#   wrong_when:
#     - Another pod was sick before, for another reason, and stays so.
#     - An autoscaler or a person changes the replicas after the action.
#     - The pods that are missing of a StatefulSet or DaemonSet are not noticed; only those that are there are counted.
#   avoid: Judging the new pod alone.
#   prefer: Judging what the users get.
package postcondition.restart_pod.workload_serves

import rego.v1

default allow := false

allow if {
	is_number(input.ready_peer_pods)
	wanted > 0
	input.ready_peer_pods >= ceil((wanted * input.settings.minimum_ready_percent) / 100)
}

wanted := input.current_replicas if {
	is_number(input.current_replicas)
} else := input.peer_pods if {
	is_number(input.peer_pods)
}

error_message := sprintf("%d of %d pods ready", [input.ready_peer_pods, wanted]) if {
	not allow
	is_number(input.ready_peer_pods)
	wanted > 0
} else := "no pods of the workload are there or wanted" if {
	not allow
	wanted == 0
} else := "the workload's pods are not known" if {
	not allow
}
