"""The one worker program and its supervisor: policies are evaluated in a process of their own that may be killed.

`program` is what runs there, `frames` how both sides talk, `client` and `pool` what the operator and replay use.
Wall-time caps live here, so this is the one place of the engine that reads a clock; nothing that decides does.
"""
