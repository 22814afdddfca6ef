"""Proof on known truth: what the statistics claim, tried on worlds in which the truth is known."""
