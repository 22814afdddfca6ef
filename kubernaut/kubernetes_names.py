"""Names as Kubernetes allows them: DNS-1123 labels and subdomains.

Checked before a name reaches a query, a command line or an object's path, so that none of them can be more
than a name.
"""

import re

DNS_1123_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
"""Namespaces and most names: at most 63 characters."""

_SUBDOMAIN_PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{_SUBDOMAIN_PART}(\.{_SUBDOMAIN_PART})*"
"""The pattern without its length, which schemas state on their own: they know no look-ahead."""

DNS_1123_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}\Z){SUBDOMAIN}", re.ASCII)
"""Names of Deployments, Pods and the like: labels with dots, at most 253 characters."""


def is_namespace(text: str) -> bool:
    """Say whether `text` can name a namespace."""
    return DNS_1123_LABEL.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """Say whether `text` can name a Deployment, Pod, Node or claim."""
    return DNS_1123_SUBDOMAIN.fullmatch(text) is not None
