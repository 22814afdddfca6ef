# METADATA
# title: Rollout precedes incident
# description: |
#   The last rollout began before the incident was detected, and not long before. A rollback takes back what a rollout brought;
#   an incident of something that has run for weeks has another cause. Where the run does not say when the incident was
#   detected, the time of the look stands for it.
# custom:
#   parameters:
#     maximum_age_s:
#       default: 86400
#       minimum: 60
#       maximum: 2592000
#       description: How long before the incident, in seconds, the rollout may have begun to be taken for its cause.
#   wrong_when:
#     - A fault of the new version shows only after days (a leak, a monthly job); raise `maximum_age_s`.
#     - The last rollout changed something harmless, and the one before it was the cause.
#     - The current revision is an older one that was taken up again; then no time is kept, and the verdict is Error.
#   avoid: Rolling back because it is the remedy at hand.
#   prefer: Asking whether anything was rolled out that could be the cause.
package precondition.rollback_deployment.rollout_precedes_incident

import rego.v1

default allow := false

allow if {
	is_number(input.rollout_before_incident_s)
	input.rollout_before_incident_s >= 0
	input.rollout_before_incident_s <= input.settings.maximum_age_s
}

began_late_s := 0 - input.rollout_before_incident_s if {
	is_number(input.rollout_before_incident_s)
	input.rollout_before_incident_s < 0
}

error_message := sprintf("the last rollout began %d s after the incident was detected", [began_late_s]) if {
	began_late_s > 0
} else := sprintf("the last rollout began %d s before the incident; up to %d s it is taken for the cause", [
	input.rollout_before_incident_s,
	input.settings.maximum_age_s,
]) if {
	not allow
	is_number(input.rollout_before_incident_s)
} else := "when the last rollout began is not known" if {
	not allow
}
