"""``python -m kubernaut_operator``: the operator without the `kubernaut` command, whose package the image lacks."""

from kubernaut_operator.lean import start_lean

start_lean()

from kubernaut_operator.cli import main  # noqa: E402 - what it imports is what `start_lean` prepares

main()
