"""The image is what it claims to be: no simulator, no pip, no stale bytecode, nothing writable."""

import json

import pytest
from helpers.installed_operator import NAMESPACE

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.cluster]

LOOK = """
import importlib.util, json, os, sys
from pathlib import Path
packages = Path(next(path for path in sys.path if path.endswith("site-packages")))
names = ("kubernaut_simulator", "pandas", "pyarrow", "numpy", "scipy", "plotly", "pip", "kubernetes.aio", "aiohttp")
found = [name for name in names if importlib.util.find_spec(name)]
# Four bytes of magic, then flags: 1 is bytecode that is never compared with its source.
cached = [importlib.util.cache_from_source(str(path)) for path in (packages / "kubernaut").rglob("*.py")]
flags = {Path(path).read_bytes()[4:8].hex() if Path(path).exists() else "missing" for path in cached}
writable = [str(path) for path in (packages, Path("/opt"), Path("/etc"), Path("/usr")) if os.access(path, os.W_OK)]
print(json.dumps({"uid": os.getuid(), "found": found, "flags": sorted(flags), "writable": writable}))
"""


def test_the_image_holds_the_operator_and_nothing_else(operator):
    text = operator.cluster.kubectl(
        "exec", f"--namespace={NAMESPACE}", operator.leader(), "--container=operator", "--", "python", "-c", LOOK
    )

    seen = json.loads(text)
    assert seen == {"uid": 65532, "found": [], "flags": ["01000000"], "writable": []}


def test_it_is_small_enough_to_be_pulled_in_seconds(operator):
    assert operator.image.packed_mib < 90
    assert operator.ready_s < 60
