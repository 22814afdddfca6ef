"""Generated worlds: a discrete-event model of remediation with known truth, played through the engine.

A scenario (YAML) and a seed make incidents with latent causes; Kubernetes objects show them, the engine's own
extraction, policies and `decide` judge them on a virtual clock, and what comes out is history plus the truth, kept
apart. Nothing of the engine is written a second time here, and nothing that estimates or tunes may read the truth.

Why no SimPy: nothing here waits for anything at run time. A life is drawn whole when its pod is created, as a sorted
list of moments and states; arrivals are thinned in order; the engine itself says when it wants to look next, so that
its driver jumps there. An event loop would add a process for every pod and look, and make an incident depend on those
played beside it: as it is, each is drawn from streams of its own, which is why a small world is the beginning of a
large one and incidents can be played on several cores. The one resource that incidents contend for, room, is made
scarcer by how many began shortly before, which is known from the arrivals alone.
"""
