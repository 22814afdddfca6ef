package lib.pods_test

import data.lib.pods
import rego.v1

test_crash_loops if {
	pods.in_crash_loop({"status": "CrashLoopBackOff"})
	pods.in_crash_loop({"status": "Init:CrashLoopBackOff"})
}

test_everything_else_is_no_crash_loop if {
	every pod in [{}, {"status": "Running"}, {"status": "Error"}, {"status": null}] {
		not pods.in_crash_loop(pod)
	}
}

test_not_ready if {
	pods.not_ready([{"name": "b", "ready": false}, {"name": "c", "ready": true}, {"name": "a", "ready": false}]) == [
		"a",
		"b",
	]
}

test_some_names if {
	pods.some_names([]) == ""
	pods.some_names(["a"]) == "a"
	pods.some_names(["a", "b", "c"]) == "a, b, c"
	pods.some_names(["a", "b", "c", "d"]) == "a, b, c and 1 more"
}
