# METADATA
# title: Desired replicas running
# description: |
#   The controller has seen the new number, and that many pods run, are ready and are of the current template. After a
#   scale-down the surplus pods must be gone as well (terminating ones do not count): "at least two of two" is true the
#   instant after scaling from five.
# custom:
#   parameters:
#     minimum_ready_percent:
#       default: 100
#       minimum: 1
#       maximum: 100
#       description: Share of the target, in percent rounded up, that must run, be ready and be up to date.
#   wrong_when:
#     - A HorizontalPodAutoscaler or a person changes the replicas after the action; the target is then no longer wanted.
#     - Pods need longer than the timeout to become ready (large images, long warm-up); raise the timeout rather than the share.
#   fatal: The Deployment's progress deadline is exceeded; Kubernetes itself has given up on this rollout.
#   avoid: Comparing with "at least" when scaling down; it is true before anything has happened.
#   prefer: Waiting for observedGeneration, then for ready and updated pods.
package postcondition.scale_deployment.desired_replicas_running

import rego.v1

default allow := false

allow if {
	input.observed_generation_current == true
	enough_run
	no_surplus
}

needed := ceil((input.target_replicas * input.settings.minimum_ready_percent) / 100)

enough_run if {
	is_number(input.running_pods)
	is_number(input.ready_pods)
	is_number(input.updated_pods)
	input.running_pods >= needed
	input.ready_pods >= needed
	input.updated_pods >= needed
}

scaled_down if {
	is_number(input.expected_baseline)
	input.expected_baseline > input.target_replicas
}

no_surplus if not scaled_down

no_surplus if input.total_pods == input.target_replicas

default fatal := false

fatal if {
	not allow
	input.observed_generation_current == true
	input.progress_deadline_exceeded == true
}

error_message := "no Deployment whose pods could run" if {
	input.deployment_found == false
} else := "the controller has not seen the change yet" if {
	not input.observed_generation_current == true
} else := sprintf("%d of %d pods ready, and the progress deadline is exceeded", [input.ready_pods, input.target_replicas]) if {
	fatal
} else := sprintf("%d pods of %d are left after the scale-down to %d", [
	input.total_pods,
	input.expected_baseline,
	input.target_replicas,
]) if {
	enough_run
	not no_surplus
} else := sprintf("%d of %d pods ready", [input.ready_pods, input.target_replicas]) if {
	input.ready_pods < needed
} else := sprintf("%d of %d pods running", [input.running_pods, input.target_replicas]) if {
	input.running_pods < needed
} else := sprintf("%d of %d pods are of the current template", [input.updated_pods, input.target_replicas]) if {
	input.updated_pods < needed
} else := "the number of pods is missing" if {
	not allow
}
