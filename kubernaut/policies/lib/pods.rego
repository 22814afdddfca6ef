# METADATA
# title: Pods
# description: Questions about the list of pods that facts deliver as `input.pods`.
package lib.pods

import rego.v1

# METADATA
# description: |
#   The pod waits to be restarted after a crash, in its own or in an init container (`CrashLoopBackOff`,
#   `Init:CrashLoopBackOff`: as kubectl shows it).
in_crash_loop(pod) if pod.status == "CrashLoopBackOff"

in_crash_loop(pod) if pod.status == "Init:CrashLoopBackOff"

# METADATA
# description: Names of the pods that are not ready, sorted.
not_ready(pods) := sort([pod.name | some pod in pods; pod.ready == false])

# METADATA
# description: |
#   At most three names, then how many more, e.g. "a, b, c and 2 more": messages are cut at 256 characters, and a list
#   of forty pods would push the reason out of sight.
some_names(names) := concat(", ", names) if {
	count(names) <= 3
} else := concat("", [concat(", ", array.slice(names, 0, 3)), " and ", format_int(count(names) - 3, 10), " more"])
