# METADATA
# title: Bounded change
# description: |
#   One action adds at most `step_replicas` replicas, or multiplies them by at most `factor`, whichever is more, and never
#   goes above `maximum_replicas`. A typing error of one digit is a factor of ten. The bounds can be set tighter, not wider.
# custom:
#   parameters:
#     factor:
#       default: 5
#       minimum: 1
#       maximum: 5
#       description: Largest factor between the replicas now and the target.
#     step_replicas:
#       default: 5
#       minimum: 0
#       maximum: 5
#       description: Replicas that may be added whatever the factor, so that small Deployments can grow.
#     maximum_replicas:
#       default: 500
#       minimum: 1
#       maximum: 500
#       description: No target above this number.
package safety.scale_deployment.bounded_change

import rego.v1

default allow := false

allow if {
	is_number(input.target_replicas)
	is_number(input.current_replicas)
	input.target_replicas <= largest
}

# Scaling down is never too large a step.
largest := max([input.current_replicas, min([input.settings.maximum_replicas, allowed_growth])])

allowed_growth := max([
	input.current_replicas * input.settings.factor,
	input.current_replicas + input.settings.step_replicas,
])

error_message := sprintf("%d replicas asked for, at most %d allowed from %d", [
	input.target_replicas,
	largest,
	input.current_replicas,
]) if {
	not allow
	is_number(input.target_replicas)
} else := "the replicas now or the target are not known" if {
	not allow
}
