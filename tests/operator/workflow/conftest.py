"""A cluster with everything installed, the operator as a process beside it, and somebody who plays the kubelet."""

from helpers.operated_shop import api, cluster, installed, make_operator, no_operator, operator, shared_operator, shop

__all__ = ["api", "cluster", "installed", "make_operator", "no_operator", "operator", "shared_operator", "shop"]
