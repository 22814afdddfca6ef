# METADATA
# title: Replacement crash-free
# description: |
#   The pods that were made since the look before the action neither wait in CrashLoopBackOff, nor restarted more often than
#   is tolerated, nor were killed for want of memory. A restart that only begins the same crash anew has cured nothing. True
#   the instant a pod starts, therefore it must hold for a while (`holdFor`).
# custom:
#   parameters:
#     tolerated_restarts:
#       default: 1
#       minimum: 0
#       maximum: 20
#       description: Restarts of one new pod that are no crash loop yet.
#   wrong_when:
#     - The fault takes longer to come back than `holdFor` (a leak over hours).
#     - Pods restart until a dependency answers and then stay up; raise `tolerated_restarts`.
#   fatal: A new pod was OOM-killed or restarted too often; that does not become untrue by waiting.
#   avoid: Calling a restart successful because the pod is running.
#   prefer: Watching the new pod for `holdFor`.
package postcondition.restart_pod.replacement_crash_free

import data.lib.pods
import rego.v1

default allow := false

allow if {
	some _ in input.replacement_pods
	every pod in input.replacement_pods {
		calm(pod)
	}
}

calm(pod) if {
	not pods.in_crash_loop(pod)
	pod.oom_killed == false
	is_number(pod.restarts_since_baseline)
	pod.restarts_since_baseline <= input.settings.tolerated_restarts
}

killed := sort([pod.name | some pod in input.replacement_pods; pod.oom_killed == true])

restarting := sort([name |
	some pod in input.replacement_pods
	pod.restarts_since_baseline > input.settings.tolerated_restarts
	name := sprintf("%s (%d)", [pod.name, pod.restarts_since_baseline])
])

looping := sort([pod.name | some pod in input.replacement_pods; pods.in_crash_loop(pod)])

default fatal := false

fatal if {
	some pod in input.replacement_pods
	pod.oom_killed == true
}

fatal if {
	some pod in input.replacement_pods
	pod.restarts_since_baseline > input.settings.tolerated_restarts
}

error_message := concat("", ["OOM-killed after the restart: ", pods.some_names(killed)]) if {
	count(killed) > 0
} else := concat("", [
	sprintf("restarted more than %v times: ", [input.settings.tolerated_restarts]),
	pods.some_names(restarting),
]) if {
	count(restarting) > 0
} else := concat("", ["in CrashLoopBackOff after the restart: ", pods.some_names(looping)]) if {
	count(looping) > 0
} else := "nothing controls the pod: there is no replacement to watch" if {
	input.workload_kind == null
} else := "no replacement has been made yet" if {
	not allow
	count(input.replacement_pods) == 0
} else := "the new pods' status or restarts are missing" if {
	not allow
}
