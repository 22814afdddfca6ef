# METADATA
# title: Resource usage acceptable
# description: |
#   No container was killed for want of memory since the action. A pod that was OOM-killed needs more memory, not more
#   siblings. True the instant after the action, therefore it must hold for a while (`holdFor`). Throttling is another
#   condition, `cpu_throttling_acceptable`: Kubernetes' own metrics do not tell it.
# custom:
#   parameters:
#     tolerated_oom_killed_pods:
#       default: 0
#       minimum: 0
#       maximum: 100
#       description: Pods with an OOM kill since the action that are tolerated.
#   wrong_when:
#     - A side container that nobody needs was killed.
#     - The kill happened just before the action and was reported after it.
#   fatal: A pod was OOM-killed since the action; that does not become untrue by waiting.
#   avoid: Judging by usage against the limit; a cache fills whatever it is given.
#   prefer: Judging by kills.
package postcondition.scale_deployment.resource_usage_acceptable

import data.lib.pods
import rego.v1

default allow := false

allow if {
	there_are_pods
	every pod in input.pods {
		is_boolean(pod.oom_killed)
	}
	oom_kills <= input.settings.tolerated_oom_killed_pods
}

there_are_pods if count(input.pods) > 0

there_are_pods if {
	count(input.pods) == 0
	input.target_replicas == 0
}

# Names are for the message alone: whether pods were killed does not depend on what they are called.
oom_kills := count([true | some pod in input.pods; pod.oom_killed == true])

oom_killed := sort([pod.name | some pod in input.pods; pod.oom_killed == true])

default fatal := false

fatal if oom_kills > input.settings.tolerated_oom_killed_pods

error_message := concat("", [
	sprintf("%d of %d pods OOM-killed since the action: ", [oom_kills, count(input.pods)]),
	pods.some_names(oom_killed),
]) if {
	fatal
} else := sprintf("no pods to judge, %d wanted", [input.target_replicas]) if {
	not allow
	count(input.pods) == 0
} else := "the pods' OOM state is missing" if {
	not allow
}
