"""The shared engine: pure decisions about guarded Kubernetes remediations.

Nothing in this package reads a clock, a network, a cluster or a random number: time and observations are arguments,
what should happen next is a return value. The operator performs those intents against an API server, the simulator
against recorded or generated history, and both get the same decision because there is only this one.
"""

from kubernaut._version import __version__

__all__ = ["__version__"]
