# METADATA
# title: Rollback complete
# description: |
#   The controller has seen the change, all replicas are of the current template and ready, and no pod of another template is
#   left (terminating ones do not count). Until then users still meet the sick version.
# custom:
#   parameters:
#     minimum_ready_percent:
#       default: 100
#       minimum: 1
#       maximum: 100
#       description: Share of the replicas, in percent rounded up, that must be up to date and ready.
#   wrong_when:
#     - An autoscaler or a person changes the replicas after the action.
#     - Pods need longer than the timeout to become ready; raise the timeout rather than the share.
#   fatal: The Deployment's progress deadline is exceeded; Kubernetes itself has given up on this rollout.
#   avoid: Calling a rollback done when the template is back; pods of the sick one may still serve.
#   prefer: Waiting until the last of them is gone.
package postcondition.rollback_deployment.rollback_complete

import data.lib.deployment
import rego.v1

default allow := false

allow if {
	input.observed_generation_current == true
	is_number(input.updated_pods)
	is_number(input.ready_pods)
	input.updated_pods >= needed
	input.ready_pods >= needed
	input.total_pods <= input.updated_pods
}

needed := ceil((input.current_replicas * input.settings.minimum_ready_percent) / 100) if {
	is_number(input.current_replicas)
}

default fatal := false

fatal if {
	not allow
	deployment.deployment_stuck(input)
}

error_message := "no Deployment whose pods could be replaced" if {
	input.deployment_found == false
} else := "the controller has not seen the change yet" if {
	not input.observed_generation_current == true
} else := sprintf("%d of %d pods ready, and the progress deadline is exceeded", [input.ready_pods, input.current_replicas]) if {
	fatal
} else := sprintf("%d of %d pods are of the current template", [input.updated_pods, input.current_replicas]) if {
	input.updated_pods < needed
} else := sprintf("%d pods of another template are left", [input.total_pods - input.updated_pods]) if {
	input.total_pods > input.updated_pods
} else := sprintf("%d of %d pods ready", [input.ready_pods, input.current_replicas]) if {
	input.ready_pods < needed
} else := "the number of pods is missing" if {
	not allow
}
