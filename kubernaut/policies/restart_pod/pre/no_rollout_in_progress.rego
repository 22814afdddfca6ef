# METADATA
# title: No rollout in progress
# description: |
#   The pod's Deployment is not changing its pods right now: the controller has seen the latest spec, every pod is of the
#   current template, and all replicas were made. A rollout replaces the pod anyway, and two hands in one bowl make it hard
#   to say what helped. A pod that is not ready does not count as a rollout. Pods of StatefulSets and DaemonSets pass.
# custom:
#   wrong_when:
#     - The rollout is stuck because of this very pod.
#     - A StatefulSet or DaemonSet is being rolled out; their rollouts are not looked at.
#   avoid: "`kubectl rollout status` for the question: it also waits for a sick pod to become ready."
#   prefer: Comparing the pods' templates with the Deployment's.
package precondition.restart_pod.no_rollout_in_progress

import rego.v1

default allow := false

allow if {
	input.observed_generation_current == true
	is_number(input.current_replicas)
	is_number(input.updated_pods)
	input.updated_pods >= input.current_replicas
	input.total_pods <= input.updated_pods
}

allow if {
	is_string(input.workload_kind)
	input.workload_kind != "Deployment"
}

error_message := "the Deployment's latest spec is not rolled out yet" if {
	input.observed_generation_current == false
} else := sprintf("a rollout is in progress: %d of %d pods are of the current template", [
	input.updated_pods,
	input.total_pods,
]) if {
	not allow
	input.total_pods > input.updated_pods
} else := sprintf("the Deployment has %d of %d pods: it is still making some", [
	input.updated_pods,
	input.current_replicas,
]) if {
	not allow
	is_number(input.updated_pods)
	is_number(input.current_replicas)
} else := "whether a rollout is in progress is not known" if {
	not allow
}
