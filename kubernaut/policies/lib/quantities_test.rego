package lib.quantities_test

import data.lib.quantities
import rego.v1

cpu := {
	"0": 0,
	"250m": 250,
	"0.5": 500,
	".5": 500,
	"2.": 2000,
	"2": 2000,
	"1e1": 10000,
	"2k": 2000000,
}

memory := {
	"0": 0,
	"128974848": 128974848,
	"129e6": 129000000,
	"129M": 129000000,
	"1G": 1000000000,
	"123Mi": 128974848,
	"0.5Gi": 536870912,
	"16Ki": 16384,
	"2Ti": 2199023255552,
	"1Pi": 1125899906842624,
	"1500m": 1.5,
}

rubbish := {"", "m", "Mi", "1 Mi", "1mi", "-1", "+1", "1.2.3", "0x10", "1e", "1e3Mi", "one", " 1", "1\n"}

test_cpu if {
	every text, millicores in cpu {
		quantities.parse_cpu(text) == millicores
	}
}

test_memory if {
	every text, bytes in memory {
		quantities.parse_memory(text) == bytes
	}
}

test_numbers_are_cores_and_bytes if {
	quantities.parse_cpu(2) == 2000
	quantities.parse_memory(1024) == 1024
}

test_rubbish_is_undefined if {
	every text in rubbish {
		not quantities.parse_cpu(text)
		not quantities.parse_memory(text)
	}
}

test_other_types_are_undefined if {
	every value in [null, true, [], {}, -1] {
		not quantities.parse_cpu(value)
		not quantities.parse_memory(value)
	}
}
