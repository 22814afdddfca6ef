"""Suites: which conditions, on which terms, to require together, since a workflow is stopped by any of them."""
