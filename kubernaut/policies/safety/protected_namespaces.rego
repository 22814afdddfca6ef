# METADATA
# title: Protected namespaces
# description: |
#   No action touches the namespaces that the cluster or this operator itself lives in. Judged for every action;
#   fails closed, and no override, percentage or switch reaches it.
package safety.protected_namespaces

import rego.v1

protected := {"kube-system", "kube-public", "kube-node-lease", "kubernaut-system", "kubernaut-actions"}

default allow := false

allow if {
	is_string(input.namespace)
	input.namespace != ""
	not input.namespace in protected
}

error_message := sprintf("namespace %s is protected: no action may touch it", [input.namespace]) if {
	input.namespace in protected
} else := "the target's namespace is not known" if {
	not allow
}
