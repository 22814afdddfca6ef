"""The commands by which people look at runs in a cluster and act on them, with no more rights than their own.

Everything here is one person at one keyboard: it reads what the operator wrote and speaks by guarded annotations. It
needs no operator to be running, and decides nothing that the engine decides.
"""
