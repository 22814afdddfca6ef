# METADATA
# title: No pod has restarted
# description: |
#   Wrong on purpose, as such a condition is often first written: it takes all restarts of a pod's life, so that a pod
#   which crashed once last week fails it. `restarts_since_baseline` is what it should read.
package postcondition.scale_deployment.no_crashloop_pods

import rego.v1

default allow := false

allow if {
	count(input.pods) > 0
	every pod in input.pods {
		pod.status != "CrashLoopBackOff"
		pod.restarts == 0
	}
}

error_message := sprintf("%d pods have restarted", [count([pod | some pod in input.pods; pod.restarts > 0])]) if {
	not allow
}
