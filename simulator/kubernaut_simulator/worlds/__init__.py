"""Generated worlds: incidents with a known cause, a cluster that shows them, and the engine that judges them.

A scenario (YAML) says how often what goes wrong; `generate` plays it on a virtual clock and gives two things kept
apart: history, exactly as the operator would have recorded it, and the truth behind it, which no operator can see.
Facts are taken from Kubernetes objects by the engine's own extraction and every decision is the engine's own; nothing
here knows a rule of verification.
"""
