"""Enforcement: what a verdict does - buckets, overrides, the block budget; never what is evaluated."""
