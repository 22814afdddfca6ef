# METADATA
# title: No crashes after rollback
# description: |
#   No pod waits in CrashLoopBackOff, init containers included, and none has restarted more often since the action than is
#   tolerated. Pods of the sick revision that still crash keep it from passing until they are gone. True the instant after the
#   last of them is gone, therefore it must hold for a while (`holdFor`).
# custom:
#   parameters:
#     tolerated_restarts:
#       default: 1
#       minimum: 0
#       maximum: 20
#       description: Restarts of one pod since the action that are no crash loop yet.
#   wrong_when:
#     - The earlier revision crashes at first because what it needs was changed for the newer one, and recovers.
#     - Pods restart until a dependency answers and then stay up; raise `tolerated_restarts`.
#   avoid: Looking at the status alone, once, at once.
#   prefer: Counting restarts since the action, and watching for `holdFor`.
package postcondition.rollback_deployment.no_crashes_after_rollback

import data.lib.pods
import rego.v1

default allow := false

allow if {
	there_are_pods
	every pod in input.pods {
		calm(pod)
	}
}

there_are_pods if count(input.pods) > 0

there_are_pods if {
	count(input.pods) == 0
	input.current_replicas == 0
}

calm(pod) if {
	not pods.in_crash_loop(pod)
	is_number(pod.restarts_since_baseline)
	pod.restarts_since_baseline <= input.settings.tolerated_restarts
}

looping := sort([pod.name | some pod in input.pods; pods.in_crash_loop(pod)])

restarting := sort([name |
	some pod in input.pods
	pod.restarts_since_baseline > input.settings.tolerated_restarts
	name := sprintf("%s (%d)", [pod.name, pod.restarts_since_baseline])
])

error_message := concat("", [
	sprintf("%d of %d pods in CrashLoopBackOff: ", [count(looping), count(input.pods)]),
	pods.some_names(looping),
]) if {
	count(looping) > 0
} else := concat("", [
	sprintf("%d of %d pods restarted more than %v times since the action: ", [
		count(restarting),
		count(input.pods),
		input.settings.tolerated_restarts,
	]),
	pods.some_names(restarting),
]) if {
	count(restarting) > 0
} else := "no pods to judge" if {
	not allow
	count(input.pods) == 0
} else := "the pods' status or restarts are missing" if {
	not allow
}
