"""What every manifest is made of: a plain value, recommended labels, names that stand in several of them."""

from typing import Any

from kubernaut._version import __version__

Manifest = dict[str, Any]

APP = "kubernaut"


def labels(component: str) -> dict[str, str]:
    """Give the recommended labels of an object of one concern."""
    return {
        "app.kubernetes.io/name": APP,
        "app.kubernetes.io/part-of": APP,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/version": __version__,
    }
