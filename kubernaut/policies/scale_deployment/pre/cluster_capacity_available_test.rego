package precondition.scale_deployment.cluster_capacity_available_test

import data.precondition.scale_deployment.cluster_capacity_available as policy
import rego.v1

# Two more pods of half a core and 256 MiB; 4 cores and 8 GiB are free, enough nodes, no quota.
roomy := {
	"deployment_found": true,
	"additional_replicas": 2,
	"available_cpu": "4000m",
	"available_memory": "8192Mi",
	"required_cpu_per_pod": "500m",
	"required_memory_per_pod": "256Mi",
	"schedulable_replicas": 2,
	"quota_replicas": null,
	"settings": {"headroom_percent": 0, "minimum_fit_percent": 100},
}

cases := {
	"room for all": {"input": roomy, "allow": true},
	"exactly enough": {
		"input": object.union(roomy, {"available_cpu": "1000m", "available_memory": "512Mi"}),
		"allow": true,
	},
	"one millicore short": {
		"input": object.union(roomy, {"available_cpu": "999m"}),
		"allow": false,
		"message": "CPU: 1000m needed, 999m free",
	},
	"one MiB short": {
		"input": object.union(roomy, {"available_memory": "511Mi"}),
		"allow": false,
		"message": "memory: 512Mi needed, 511Mi free",
	},
	"both short": {
		"input": object.union(roomy, {"available_cpu": "1m", "available_memory": "1Mi"}),
		"allow": false,
		"message": "CPU: 1000m needed, 1m free; memory: 512Mi needed, 1Mi free",
	},
	"enough in the sum, but no node is large enough": {
		"input": object.union(roomy, {"schedulable_replicas": 1}),
		"allow": false,
		"message": "nodes: 1 of 2 more pods fit",
	},
	"the quota is used up": {
		"input": object.union(roomy, {"quota_replicas": 0}),
		"allow": false,
		"message": "quota: allows 0 of 2 more pods",
	},
	"the quota suffices": {"input": object.union(roomy, {"quota_replicas": 2}), "allow": true},
	"headroom is kept": {
		"input": object.union(roomy, {"available_cpu": "1100m", "settings": {"headroom_percent": 10, "minimum_fit_percent": 100}}),
		"allow": false,
		"message": "CPU: 1000m needed, 1100m free",
	},
	"half would do": {
		"input": object.union(roomy, {"schedulable_replicas": 1, "settings": {"headroom_percent": 0, "minimum_fit_percent": 50}}),
		"allow": true,
	},
	"scaling down needs no room": {
		"input": object.union(roomy, {"additional_replicas": 0, "available_cpu": "0m", "available_memory": "0Mi"}),
		"allow": true,
	},
	"pods that request nothing": {
		"input": object.union(roomy, {"required_cpu_per_pod": "0m", "required_memory_per_pod": "0Mi", "available_cpu": "0m"}),
		"allow": true,
	},
	"other forms of quantities": {
		"input": object.union(roomy, {
			"available_cpu": "1",
			"available_memory": "1e9",
			"required_cpu_per_pod": "0.5",
			"required_memory_per_pod": "262144Ki",
		}),
		"allow": true,
	},
	"an unreadable quantity is no room": {
		"input": object.union(roomy, {"available_memory": "plenty"}),
		"allow": false,
		"message": "capacity cannot be judged",
	},
	"no Deployment": {
		"input": object.union(roomy, {"deployment_found": false}),
		"allow": false,
		"message": "no Deployment to make room for",
	},
}

# Runs the cases in `opa test`; kubernaut judges the same cases with its own evaluator.
test_cases[name] if {
	some name, case in cases
	answer := {rule: policy[rule] | some rule in ["allow", "fatal", "error_message"]} with input as case.input
	object.get(answer, "allow", false) == case.allow
	object.get(answer, "fatal", false) == object.get(case, "fatal", false)
	contains(object.get(answer, "error_message", ""), object.get(case, "message", ""))
}
