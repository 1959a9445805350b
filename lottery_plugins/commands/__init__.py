"""The sub-commands of `lottery`, one a file: `add_arguments(parser)` and `run(args) -> exit status`."""
