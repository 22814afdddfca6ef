# METADATA
# title: Cluster capacity available
# description: |
#   The additional replicas fit: into the sum of free CPU and memory, onto single nodes (a pod cannot be cut in two),
#   and into the namespace's ResourceQuota. Requests count, not usage, because that is what the scheduler counts.
#   Scaling down or not at all needs no room.
# custom:
#   parameters:
#     headroom_percent:
#       default: 0
#       minimum: 0
#       maximum: 90
#       description: Share of the free CPU and memory, in percent, that must stay free after the scale-up.
#     minimum_fit_percent:
#       default: 100
#       minimum: 1
#       maximum: 100
#       description: |
#         Share of the additional replicas, in percent, for which nodes and quota must have room. Below 100 where some
#         more replicas are better than none.
#   wrong_when:
#     - A cluster autoscaler adds nodes on demand; pods that fit nowhere now would start a minute or two later.
#     - Lower-priority pods would be preempted to make room.
#     - The pods request nothing; then everything fits, and the nodes may be full in truth.
#   avoid: Adding replicas that stay Pending and hide the incident behind a second one.
#   prefer: Counting node by node; free memory in the sum of ten nodes is not room for one large pod.
package precondition.scale_deployment.cluster_capacity_available

import data.lib.quantities
import rego.v1

default allow := false

allow if no_replicas_are_added

allow if {
	input.deployment_found == true
	cpu_suffices
	memory_suffices
	nodes_suffice
	quota_suffices
}

no_replicas_are_added if {
	input.deployment_found == true
	input.additional_replicas == 0
}

usable_share := (100 - input.settings.headroom_percent) / 100

cpu_free := quantities.parse_cpu(input.available_cpu)

cpu_needed := quantities.parse_cpu(input.required_cpu_per_pod) * input.additional_replicas

cpu_suffices if cpu_free * usable_share >= cpu_needed

memory_free := quantities.parse_memory(input.available_memory)

memory_needed := quantities.parse_memory(input.required_memory_per_pod) * input.additional_replicas

memory_suffices if memory_free * usable_share >= memory_needed

must_fit := ceil((input.additional_replicas * input.settings.minimum_fit_percent) / 100)

nodes_suffice if {
	is_number(input.schedulable_replicas)
	input.schedulable_replicas >= must_fit
}

# null: looked, and no quota limits the namespace.
quota_suffices if input.quota_replicas == null

quota_suffices if {
	is_number(input.quota_replicas)
	input.quota_replicas >= must_fit
}

shortages contains message if {
	cpu_free * usable_share < cpu_needed
	message := sprintf("CPU: %dm needed, %dm free", [ceil(cpu_needed), floor(cpu_free)])
}

shortages contains message if {
	memory_free * usable_share < memory_needed
	message := sprintf("memory: %dMi needed, %dMi free", [ceil(memory_needed / 1048576), floor(memory_free / 1048576)])
}

shortages contains message if {
	is_number(input.schedulable_replicas)
	input.schedulable_replicas < must_fit
	message := sprintf("nodes: %d of %d more pods fit", [input.schedulable_replicas, input.additional_replicas])
}

shortages contains message if {
	is_number(input.quota_replicas)
	input.quota_replicas < must_fit
	message := sprintf("quota: allows %d of %d more pods", [input.quota_replicas, input.additional_replicas])
}

error_message := "no Deployment to make room for" if {
	not input.deployment_found == true
} else := concat("; ", sort(shortages)) if {
	not allow
	count(shortages) > 0
} else := "capacity cannot be judged: a quantity is missing or unreadable" if {
	not allow
}
