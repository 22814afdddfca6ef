# METADATA
# title: Earlier revision exists
# description: |
#   The revision to go back to (the one asked for, else the one before the current) is kept, and it is another than the one
#   in force. Kubernetes keeps `revisionHistoryLimit` old revisions, 10 unless said otherwise; 0 keeps none.
# custom:
#   wrong_when:
#     - The same template was rolled out under another number before, and rolling back to that one would do.
#     - Somebody has rolled back by hand meanwhile. The condition then stops the run rightly; there is nothing left to do.
#   avoid: Counting revisions; numbers have gaps, and the current one is among them.
#   prefer: Asking for the ReplicaSet whose template would be put back.
package precondition.rollback_deployment.earlier_revision_exists

import rego.v1

default allow := false

allow if {
	input.wanted_revision_exists == true
	input.wanted_revision_is_current == false
}

error_message := "no Deployment that could be rolled back" if {
	input.deployment_found == false
} else := "there is no earlier revision to go back to" if {
	input.wanted_revision == null
} else := sprintf("revision %d is not kept", [input.wanted_revision]) if {
	input.wanted_revision_exists == false
} else := sprintf("revision %d is in force already", [input.wanted_revision]) if {
	input.wanted_revision_is_current == true
} else := "the revisions are not known" if {
	not allow
}
