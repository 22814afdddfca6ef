"""``python -m kubernaut_operator.manifests``: keeps `operator/deploy/`; see `install`."""

import sys

from kubernaut_operator.manifests.install import main

sys.exit(main(sys.argv[1:]))
