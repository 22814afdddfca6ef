"""History: the rows that the operator writes and the simulator reads, one versioned schema."""
