"""The `kubernaut` command: one module a group of subcommands, heavy imports inside the commands."""
