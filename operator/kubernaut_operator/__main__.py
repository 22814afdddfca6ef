"""``python -m kubernaut_operator``: the operator without the `kubernaut` command, whose package the image lacks."""

from kubernaut_operator.cli import main

main()
