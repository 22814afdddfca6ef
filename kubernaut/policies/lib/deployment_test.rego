package lib.deployment_test

import data.lib.deployment
import rego.v1

healthy := {
	"deployment_found": true,
	"observed_generation_current": true,
	"progress_deadline_exceeded": false,
	"conditions": {"Available": true, "Progressing": true, "ReplicaFailure": false},
}

test_exists if {
	deployment.deployment_exists(healthy)
	not deployment.deployment_exists({"deployment_found": false})
	not deployment.deployment_exists({})
}

test_healthy if {
	deployment.deployment_healthy(healthy)
	not deployment.deployment_healthy(object.union(healthy, {"conditions": {"Available": false, "Progressing": true}}))
	not deployment.deployment_healthy(object.union(healthy, {"observed_generation_current": false}))
	not deployment.deployment_healthy({})
}

test_stuck if {
	not deployment.deployment_stuck(healthy)
	deployment.deployment_stuck(object.union(healthy, {"progress_deadline_exceeded": true}))
	not deployment.deployment_stuck({"progress_deadline_exceeded": true, "observed_generation_current": false})
}
