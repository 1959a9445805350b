"""A ticket: what one point of the space means as model arguments, task by task; and whether they can be assembled."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lottery_plugins.errors import LotteryError
from lottery_plugins.results.load import AUGMENTATION, LIMITS
from lottery_plugins.search.space import Value

__all__ = ["ORIGINAL", "Ticket", "checker"]

ORIGINAL = "original"

_AUGMENTS = (AUGMENTATION - {"verifier", "proxy_model"}) | LIMITS | {"evidence"}
"""Arguments that leave the stored weights as they are; a verifier and a proxy bring their own."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One candidate, or the original.

    Attributes:
        name: As shown: its choices, or "original".
        model_args: By task, as after `--model_args`.
        point: Its parameters in the space; empty for the original.
    """

    name: str
    model_args: Mapping[str, Mapping[str, Any]]
    point: Mapping[str, Value] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Names the point; equal for equal points."""
        return json.dumps(dict(self.point), sort_keys=True)

    @property
    def weights(self) -> str:
        """Names what its stored bytes depend on; tickets that share it share their bytes."""
        kept = [{k: v for k, v in args.items() if k not in _AUGMENTS} for args in self.model_args.values()]
        return "\n".join(sorted({json.dumps(args, sort_keys=True, default=str) for args in kept}))

    def groups(self, tasks: Sequence[str]) -> list[tuple[Mapping[str, Any], list[str]]]:
        """The tasks by model arguments: each group is one run."""
        found: dict[str, tuple[Mapping[str, Any], list[str]]] = {}
        for task in tasks:
            arguments = self.model_args[task]
            found.setdefault(json.dumps(arguments, sort_keys=True, default=str), (arguments, []))[1].append(task)
        return list(found.values())


def checker() -> Callable[[Ticket], str]:
    """A function that says why a ticket can't be assembled, "" where it can; no model is loaded.

    What is looked at: names, options, what a reasoner needs, which compression methods go together.
    """
    from lottery_plugins.assembly import assemble
    from lottery_plugins.config import RunConfig
    from lottery_plugins.discovery import discover

    registry = discover()

    @cache
    def reason(arguments: str) -> str:
        try:
            assemble(RunConfig.parse(json.loads(arguments)), registry)
        except LotteryError as error:
            return str(error)
        return ""

    def why_not(ticket: Ticket) -> str:
        reasons = (reason(json.dumps(arguments, sort_keys=True)) for arguments in ticket.model_args.values())
        return next((text for text in reasons if text), "")

    return why_not
