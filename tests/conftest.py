"""What holds for every test.

regopy is loaded before any test loads numpy, pandas or pyarrow: after a library that brings its own C++ runtime, saving a
plan within this process (`InProcessEvaluator`, which only tests use) aborts it. The worker program never meets them.
"""

import os

import regopy  # noqa: F401 - loaded first, see above
from hypothesis import settings

# A deadline measures the machine, and a busy one fails tests that are right.
# Where a change is judged, the same change gets the same examples; everywhere else each run explores new ones.
settings.register_profile("kubernaut", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("kubernaut")

# The fixtures `cluster`, `node`, `control_plane` and `namespace`; coverage by tier.
pytest_plugins = ["cluster.fixtures", "helpers.tier_coverage"]


def pytest_configure(config):
    from cluster.front_door import open_front_door

    open_front_door(config.option)
