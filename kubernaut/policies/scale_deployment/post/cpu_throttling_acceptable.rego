# METADATA
# title: CPU throttling acceptable
# description: |
#   The pods are throttled in no more than a tolerated share of their scheduling periods. Optional: the fact comes from
#   Prometheus (cAdvisor's counters); without a Prometheus it is unobserved, and the verdict is Error.
# custom:
#   parameters:
#     maximum_throttled_ratio:
#       default: 0.25
#       minimum: 0
#       maximum: 1
#       description: Tolerated share of throttled periods, 0 to 1.
#   wrong_when:
#     - Start-up needs more CPU than the pod's limit and then calms down; set `holdFor`, or a longer timeout.
#     - Limits are low on purpose and latency does not matter (batch work).
#   avoid: Taking CPU usage below the limit for "not throttled"; bursts are throttled within 100 ms.
#   prefer: The ratio of throttled to all periods since the action.
package postcondition.scale_deployment.cpu_throttling_acceptable

import rego.v1

default allow := false

allow if {
	is_number(input.cpu_throttling_ratio)
	input.cpu_throttling_ratio <= input.settings.maximum_throttled_ratio
}

error_message := sprintf("throttled in %d %% of periods, %d %% tolerated", [
	round(input.cpu_throttling_ratio * 100),
	round(input.settings.maximum_throttled_ratio * 100),
]) if {
	not allow
	is_number(input.cpu_throttling_ratio)
} else := "the throttled share is missing" if {
	not allow
}
