"""What goes wrong with a cluster, said so that a person can act on it."""


class ClusterError(Exception):
    """The cluster did not come up or down; the text holds the log that says why."""


class TierUnavailableError(ClusterError):
    """This machine cannot run a tier; the text says what is missing."""
