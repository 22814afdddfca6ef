# METADATA
# title: Image pull secrets valid
# description: |
#   The new pods will be able to pull their image. Judged by evidence of use, without any right on Secrets: no secret is
#   named, or pods of this template pulled with them, and kubelet has not reported a secret missing. Where there is no
#   evidence either way the facts are unobserved and the verdict is Error.
# custom:
#   wrong_when:
#     - The image is cached on the nodes that ran it; a new node may still be refused.
#     - The registry's password was changed since the last pull.
#   avoid: Reading Secrets to find out whether they are valid; it needs a right that nobody should hold for it.
#   prefer: Asking whether they worked.
package precondition.scale_deployment.image_pull_secrets_valid

import rego.v1

default allow := false

allow if {
	input.image_pull_secrets_exist == true
	input.image_pull_secrets_valid == true
}

error_message := "no Deployment whose image pull secrets could be judged" if {
	input.deployment_found == false
} else := "an image pull secret that the pods name does not exist" if {
	not input.image_pull_secrets_exist == true
} else := "the image pull secrets did not work: pods could not pull their image with them" if {
	not allow
}
