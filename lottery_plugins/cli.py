"""The command `lottery`. Each sub-command is imported only when it is called."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

__all__ = ["main"]

_COMMANDS = {
    "quickstart": ("lottery_plugins.commands.quickstart", "from nothing to a verdict on a small real model"),
    "compare": (
        "lottery_plugins.results.command",
        "is a ticket not worse than the original? a verdict from lm-eval's files",
    ),
    "report": (
        "lottery_plugins.results.report.command",
        "verdicts, charts and every sample's steps as one page for the browser",
    ),
    "search": (
        "lottery_plugins.commands.search",
        "the cheapest compressed model with help that is not worse than the original on your tasks",
    ),
    "table": ("lottery_plugins.commands.table", "the paper's tables and heat maps, with your runs in them"),
    "compress": ("lottery_plugins.commands.compress", "from a model to a compressed checkpoint, with a card"),
    "train-verifier": (
        "lottery_plugins.commands.train_verifier",
        "from a finished run to a classifier that reads right and wrong from hidden states",
    ),
    "new-task": ("lottery_plugins.commands.new_task", "a folder with a task that passes, to be changed into one's own"),
    "check-task": ("lottery_plugins.commands.check_task", "does a task keep the rules that our own tests run?"),
    "plugins": ("lottery_plugins.commands.plugins", "what is installed, what it takes, and what is wrong with it"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command. A LotteryError becomes one sentence on stderr and its exit status."""
    from lottery_plugins.harness.exits import clear_exit

    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="lottery", description="Is a compressed language model with tools as good as the original? Measure it."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="{" + ",".join(_COMMANDS) + "}")
    called = next((word for word in words if word in _COMMANDS), None)
    for name, (module, text) in _COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text)
        if name == called:  # so that `lottery --help` imports nothing
            importlib.import_module(module).add_arguments(sub)
    args = parser.parse_args(words)
    with clear_exit():
        return int(importlib.import_module(_COMMANDS[args.command][0]).run(args))


if __name__ == "__main__":
    sys.exit(main())
