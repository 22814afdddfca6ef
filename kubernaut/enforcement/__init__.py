"""Enforcement: what a verdict does - rollout buckets, overrides, the block budget; never what is evaluated."""
