"""A recorded campaign: many real incidents with known faults, remediated by the installed operator, which records.

`plan.py` says from a seed what happens; `faults.py` makes each fault of real objects; `running.py` carries the plan
out, a bounded number of incidents side by side, and can go on where it was ended; `serving.py` asks as a caller whether
the workload serves, and this answer, never a condition, is the outcome; `collecting.py` makes a data set of the
operator's records, `sheet.py` its data sheet, `comparing.py` holds it against a generated world.

``make campaign`` runs it. Every condition is in warn mode: nothing is stopped.
"""
