"""A real Kubernetes for the tests, without a container engine and without a registry.

`programs.py` builds what Kubernetes is made of from pinned Go modules; `boot.py` starts it in two tiers: *API* (etcd, API
server, controller-manager, scheduler; any user) and *node* (a kubelet with containerd, kube-proxy, metrics-server and
Prometheus beside it; root). `kind.py` answers the calls of pytest-kind's `kind_cluster` fixture where Docker, and with it
real kind, is away.
Nothing here knows the operator.
"""
