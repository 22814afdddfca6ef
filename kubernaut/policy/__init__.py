"""Policies: Rego sources become compiled, checked, digest-named policies, and inputs become verdicts."""
