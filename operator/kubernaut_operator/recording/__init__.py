"""The recorder: what the operator saw and decided, as History on a volume, for the simulator to read.

`recorder` is what controllers use; `segment` is one file, `folder` all of them. Rows and their ids are the
engine's.
"""
