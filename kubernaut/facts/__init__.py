"""Facts: what was seen of the cluster, with "seen nothing" and "could not look" kept apart."""
