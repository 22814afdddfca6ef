# METADATA
# title: Node selector matches
# description: |
#   At least one Ready node is there at all, and at least one node matches the pods' node selector and required node
#   affinity. Says why pods would stay Pending even where the cluster as a whole has room.
# custom:
#   parameters:
#     minimum_matching_nodes:
#       default: 1
#       minimum: 1
#       maximum: 5000
#       description: Nodes that must match; 2 or more where replicas must not share one node.
#   wrong_when:
#     - A cluster autoscaler's node group matches the selector and stands at zero nodes.
#     - The label is put on nodes by something that runs only when pods wait.
#   avoid: Taking free capacity anywhere for capacity here.
#   prefer: Counting only nodes where these pods may run.
package precondition.scale_deployment.node_selector_matches

import rego.v1

default allow := false

allow if {
	is_number(input.matching_nodes)
	is_number(input.ready_nodes)
	input.matching_nodes >= input.settings.minimum_matching_nodes
	input.ready_nodes > 0
}

error_message := "no Deployment whose pods a node could match" if {
	input.deployment_found == false
} else := "no node is Ready" if {
	input.ready_nodes == 0
} else := sprintf("%d nodes match the node selector, %d needed", [
	input.matching_nodes,
	input.settings.minimum_matching_nodes,
]) if {
	not allow
	is_number(input.matching_nodes)
} else := "the number of matching or Ready nodes is missing" if {
	not allow
}
