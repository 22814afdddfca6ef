# METADATA
# title: Earlier revision proved
# description: |
#   There is evidence that the revision to go back to works: it has available pods now (a rollout that got stuck half-way), or
#   it stood for a while before it was replaced. Kubernetes keeps no record of how a revision did, so a long life is taken for
#   a sign of health. Where no ReplicaSet tells how long it stood the verdict is Error.
# custom:
#   parameters:
#     minimum_served_s:
#       default: 600
#       minimum: 0
#       maximum: 31536000
#       description: How long, in seconds, the revision must have stood; 600 is the default progress deadline.
#   wrong_when:
#     - A broken revision stood for days because nobody noticed.
#     - A good revision was followed by a small correction within minutes.
#     - What it needs (a database's schema, a Secret) has changed since.
#   avoid: Rolling back to whatever was before, which may be the first try at the same bad release.
#   prefer: Going back to what is known to have served.
package precondition.rollback_deployment.earlier_revision_proved

import rego.v1

default allow := false

allow if {
	is_number(input.wanted_revision_available_replicas)
	input.wanted_revision_available_replicas > 0
}

allow if {
	is_number(input.wanted_revision_served_s)
	input.wanted_revision_served_s >= input.settings.minimum_served_s
}

error_message := "there is no earlier revision to be judged" if {
	input.wanted_revision_available_replicas == null
} else := sprintf("revision %d stood for %d s only, %d s needed, and none of its pods is available", [
	input.wanted_revision,
	input.wanted_revision_served_s,
	input.settings.minimum_served_s,
]) if {
	not allow
	is_number(input.wanted_revision_served_s)
} else := "how the earlier revision did is not known" if {
	not allow
}
