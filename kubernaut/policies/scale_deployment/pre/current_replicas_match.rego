# METADATA
# title: Current replicas match
# description: |
#   The Deployment still has the replicas that the remediation was planned for: the run's `expectedReplicas`, or what was
#   seen when the run began. If not, somebody or something has scaled it meanwhile, and the plan is of yesterday.
# custom:
#   parameters:
#     tolerance_replicas:
#       default: 0
#       minimum: 0
#       maximum: 1000
#       description: How many replicas more or fewer are still taken for the same.
#   wrong_when:
#     - A HorizontalPodAutoscaler owns the replicas; they change on their own, and scaling by hand is undone anyway.
#     - Without `expectedReplicas` only changes between the start of the run and the step are seen, none before.
#   avoid: Setting a number that was computed for another number.
#   prefer: Giving `expectedReplicas`, so that the plan is checked against what the planner saw.
package precondition.scale_deployment.current_replicas_match

import rego.v1

default allow := false

allow if {
	is_number(input.current_replicas)
	is_number(input.expected_baseline)
	abs(input.current_replicas - input.expected_baseline) <= input.settings.tolerance_replicas
}

error_message := sprintf("%d replicas now, %d expected", [input.current_replicas, input.expected_baseline]) if {
	not allow
	is_number(input.current_replicas)
	is_number(input.expected_baseline)
} else := "the replicas now or the expected ones are missing" if {
	not allow
}
