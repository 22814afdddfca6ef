"""Enforcement: whether a verdict may stop a run - buckets, overrides, the block budget; never what is evaluated."""
