"""Somebody other than the administrator: kubectl by impersonation, with the rights that a test gives."""

from typing import Self

from cluster.boot import Cluster


class Person:
    """One person of a test.

    Parameters
    ----------
    namespace : str
        Where they work, when nothing else is said.
    """

    def __init__(self, cluster: Cluster, name: str, namespace: str) -> None:
        self._cluster = cluster
        self.name = name
        self.namespace = namespace

    def given(self, role: str, *, namespace: str | None = None, everywhere: bool = False) -> Self:
        """Bind them to a ClusterRole in a namespace (their own when None), or everywhere."""
        binding = f"{self.name}-{role}"
        if everywhere:
            self._cluster.kubectl(
                "create", "clusterrolebinding", binding, f"--clusterrole={role}", f"--user={self.name}"
            )
        else:
            where = namespace or self.namespace
            self._cluster.kubectl(
                *("create", "rolebinding", binding, f"--clusterrole={role}", f"--user={self.name}", "-n", where)
            )
        return self

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as this person, in their namespace; raises `ClusterError` with what it said."""
        return self._cluster.kubectl(f"--as={self.name}", f"--namespace={self.namespace}", *arguments, stdin=stdin)
