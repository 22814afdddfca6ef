# METADATA
# title: Others serve meanwhile
# description: |
#   While the pod restarts somebody else serves: enough other pods of its workload are ready, or the pod serves nobody now,
#   so that its deletion takes nothing away. Restarting the only pod that serves is an outage of its own.
# custom:
#   parameters:
#     minimum_ready_peers:
#       default: 1
#       minimum: 0
#       maximum: 1000
#       description: Other pods of the workload that must be ready; 0 where a short outage is better than the fault.
#   wrong_when:
#     - The workload has one replica on purpose, and its users know that a restart interrupts it.
#     - The pod is ready and serves nothing in truth; its readiness probe does not notice.
#     - One pod cannot carry the load of all; raise `minimum_ready_peers`.
#   avoid: Counting pods that run; only those that are ready get requests.
#   prefer: Counting the ready pods without the one that is to go.
package precondition.restart_pod.others_serve_meanwhile

import rego.v1

default allow := false

allow if {
	is_number(input.ready_peer_pods)
	input.ready_peer_pods >= input.settings.minimum_ready_peers
}

# Not ready: it gets no requests that another would have to take over.
allow if input.target_pod.ready == false

error_message := sprintf("%d other pods are ready, %d needed while this one restarts", [
	input.ready_peer_pods,
	input.settings.minimum_ready_peers,
]) if {
	not allow
	is_number(input.ready_peer_pods)
} else := "which other pods serve is not known" if {
	not allow
}
