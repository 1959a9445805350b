"""How to use a ticket without us: stock command lines, and the command that saves its weights."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from lottery_plugins.discovery import discover
from lottery_plugins.harness.study import HarnessRun, commands_of
from lottery_plugins.search.plan import SearchPlan
from lottery_plugins.search.ticket import Ticket
from lottery_plugins.specs import parse_specs, write_specs

__all__ = ["recipe"]


def recipe(plan: SearchPlan, ticket: Ticket) -> str:
    """The text of ticket.txt."""
    groups = ticket.groups(plan.task_names)
    runs = [
        HarnessRun(
            model_args=arguments,
            tasks=tasks,
            output_path="runs/ticket" if len(groups) == 1 else f"runs/ticket/{tasks[0]}",
            **plan.run,
        )
        for arguments, tasks in groups
    ]
    lines = [f"# {ticket.name}", "", "# On all documents of the tasks:", commands_of(runs)]
    saved = sorted({command for arguments, _ in groups if (command := _compress(arguments))})
    if saved:
        lines += ["", "# Its weights as a checkpoint:", *saved]
    return "\n".join(lines) + "\n"


def _compress(arguments: Mapping[str, Any]) -> str:
    """The command that saves the weights; "" where no method changes them."""
    registry = discover()
    specs = parse_specs(arguments.get("compression"), "compression")
    at_run_time = [spec for spec in specs if registry.create("compression", spec).stage == "kv-cache"]
    saved = [spec for spec in specs if spec not in at_run_time]
    if not saved or not arguments.get("pretrained"):
        return ""
    words = ["lottery", "compress", str(arguments["pretrained"]), "--compression", write_specs(saved)]
    words += ["--dtype", str(arguments["dtype"])] if "dtype" in arguments else []
    note = f"  # and compression={write_specs(at_run_time)} at run time" if at_run_time else ""
    return shlex.join([*words, "--out", "ticket"]) + note
