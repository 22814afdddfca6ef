# METADATA
# title: Kubernetes quantities
# description: |
#   Reads every form of CPU and memory quantity that Kubernetes accepts. Undefined for anything else, so that
#   a policy using it fails, or says so, instead of calculating with rubbish.
package lib.quantities

import rego.v1

# A suffix fits a text when only a decimal number is left of it. Parts are divided by, not multiplied with 0.001: that is
# not a number that a computer can hold exactly.
_divisors := {
	"n": 1000000000,
	"u": 1000000,
	"m": 1000,
}

_factors := {
	"": 1,
	"k": 1000,
	"M": 1000000,
	"G": 1000000000,
	"T": 1000000000000,
	"P": 1000000000000000,
	"E": 1000000000000000000,
	"Ki": 1024,
	"Mi": 1048576,
	"Gi": 1073741824,
	"Ti": 1099511627776,
	"Pi": 1125899906842624,
	"Ei": 1152921504606846976,
}

_decimal := `^[0-9]+([.][0-9]*)?$|^[.][0-9]+$`

_exponent := `^([0-9]+([.][0-9]*)?|[.][0-9]+)[eE][+-]?[0-9]{1,2}$`

# METADATA
# description: CPU in thousandths of a core, e.g. 250 for "250m" and 500 for "0.5".
parse_cpu(text) := to_number(trim_suffix(text, "m")) if {
	# What the facts deliver comes first: exact, and ten times as fast as trying every suffix.
	is_string(text)
	regex.match(`^[0-9]+m$`, text)
} else := _plain(text) * 1000

# METADATA
# description: Memory in bytes, e.g. 536870912 for "512Mi", "0.5Gi" and "536870912".
parse_memory(text) := to_number(trim_suffix(text, "Mi")) * 1048576 if {
	is_string(text)
	regex.match(`^[0-9]+Mi$`, text)
} else := _plain(text)

_plain(text) := to_number(text) if {
	is_string(text)
	regex.match(_exponent, text)
} else := number if {
	is_string(text)
	some suffix, factor in _factors
	endswith(text, suffix)
	digits := trim_suffix(text, suffix)
	regex.match(_decimal, digits)
	number := to_number(digits) * factor
} else := number if {
	is_string(text)
	some suffix, divisor in _divisors
	endswith(text, suffix)
	digits := trim_suffix(text, suffix)
	regex.match(_decimal, digits)
	number := to_number(digits) / divisor
} else := text if {
	is_number(text)
	text >= 0
}
