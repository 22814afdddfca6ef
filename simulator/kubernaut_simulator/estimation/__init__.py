"""Estimates from votes: rates with bounds, timeouts, the sequential gate, and what would break each.

Pure functions over numpy arrays and DataFrames; nothing here reads files, replays a policy or knows the
command line. The way of the data: `votes` makes one vote per incident and condition, `split` cuts the
incidents in time, `clustering` says whether a vote or a target-day is the unit, `false_stops` and
`survival` estimate, `sequential` alone may say that a condition becomes required. `docs/methods.md` states
formula, source and breaking assumption of each.
"""
