# METADATA
# title: No scale to zero
# description: |
#   A remediation does not switch a service off. Scaling a Deployment that already stands at zero to zero is no change and
#   is let through.
package safety.scale_deployment.no_scale_to_zero

import rego.v1

default allow := false

allow if {
	is_number(input.target_replicas)
	input.target_replicas >= 1
}

allow if {
	input.target_replicas == 0
	input.current_replicas == 0
}

error_message := sprintf("scaling from %v to %v replicas would switch the service off", [
	input.current_replicas,
	input.target_replicas,
]) if {
	not allow
	is_number(input.target_replicas)
} else := "the target number of replicas is not known" if {
	not allow
}
