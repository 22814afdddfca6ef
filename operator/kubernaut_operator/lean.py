"""Keeps out of the operator's own process what its libraries would load there and never use: about 10 MiB of 65.

Only for the process that is nothing but the operator, called before anything else is imported; a notebook or the
`kubernaut` command keeps its libraries as they are.

- `kubernetes/__init__.py` loads dynamic clients, streams, informers and an election beside `client` and `config`.
- Its reader of kubeconfigs loads an OAuth library with requests, for providers that a pod never has.
- structlog and typer load rich to draw on a terminal; the operator writes JSON.

Its thirty threads would each get a heap of their own from glibc, in which what one of them let go serves no other; two
are enough for a program that one lock lets run on one processor at a time.
"""

import ctypes
import os
import sys
from importlib.util import find_spec
from types import ModuleType

IN_A_POD = "KUBERNETES_SERVICE_HOST"
"""Set by the kubelet in every container."""

_M_ARENA_MAX, _ARENAS = -8, 2
"""As in glibc's malloc.h."""


def start_lean() -> None:
    """Prepare this process's imports; does nothing to what is loaded already."""
    os.environ.setdefault("TYPER_USE_RICH", "0")
    # Python's way to say that a module is not to be found.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    _share_heaps()
    _without_its_init("kubernetes")
    if IN_A_POD in os.environ:
        _put("oauthlib")
        _put("oauthlib.oauth2")
        _put("requests_oauthlib").OAuth2Session = None  # type: ignore[attr-defined]


def _share_heaps() -> None:
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    except (AttributeError, OSError):
        # Another C library than glibc: it has heaps of its own kind.
        return


def _without_its_init(package: str) -> None:
    spec = find_spec(package)
    if spec is None or package in sys.modules:
        return
    module = ModuleType(package)
    module.__spec__ = spec
    module.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[package] = module


def _put(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []
    return sys.modules.setdefault(name, module)
