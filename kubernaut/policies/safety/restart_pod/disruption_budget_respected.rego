# METADATA
# title: Disruption budget respected
# description: |
#   A pod that serves is restarted only where every PodDisruptionBudget that selects it lets a healthy pod go now. Kubernetes
#   asks budgets at evictions, not at deletions, so it is asked here. A pod that is not ready is none of the healthy ones that
#   a budget counts: deleting it takes nothing from what was promised, and it is let through.
package safety.restart_pod.disruption_budget_respected

import rego.v1

default allow := false

# null: looked, and no budget selects the pod.
allow if {
	input.pod_found == true
	input.disruptions_allowed == null
}

allow if {
	input.pod_found == true
	is_number(input.disruptions_allowed)
	input.disruptions_allowed >= 1
}

allow if input.target_pod.ready == false

error_message := "a PodDisruptionBudget of the ready pod lets none go now (disruptionsAllowed is 0)" if {
	not allow
	input.disruptions_allowed == 0
} else := "the pod or its PodDisruptionBudgets are not known" if {
	not allow
}
