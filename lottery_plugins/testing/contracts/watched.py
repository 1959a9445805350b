"""A reasoner under observation: what it asks of its services is counted, and one that never stops asking is stopped."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, cast

from lottery_plugins.limits import BudgetExceededError
from lottery_plugins.protocols.reasoner import Reasoner, Services
from lottery_plugins.trajectory import Answer, Problem

__all__ = ["EndlessError", "Watched"]

MOST_ACTS = 2_000
"""Acts on one problem, granted or refused, beyond which a reasoner is taken for one that never ends."""


class EndlessError(BaseException):
    """Raised in the services of a reasoner that never ends; no `except Exception` of its own holds it up."""


class Watched:
    """A reasoner whose services are watched.

    Attributes:
        was_refused: Whether the budget refused or ended an act, and no act was begun and finished since then.
        patience_s: Seconds of doing nothing with the services after which a reasoner is taken for stuck.
    """

    patience_s: ClassVar[float] = 60.0

    def __init__(self, reasoner: Reasoner) -> None:
        self.name, self.summary, self.needs = reasoner.name, reasoner.summary, reasoner.needs
        self.was_refused = False
        self._reasoner = reasoner

    async def solve(self, problem: Problem, services: Services) -> Answer:
        """Solve as the reasoner does."""
        return await self._reasoner.solve(problem, cast("Services", _WatchedServices(services, self)))


class _WatchedServices:
    """Services that count."""

    def __init__(self, services: Services, owner: Watched) -> None:
        self._services = services
        self._owner = owner
        self._acts = 0
        self._refusals = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._services, name)
        if not callable(found):
            return found

        async def act(*args: Any, **kwargs: Any) -> Any:
            self._count()
            refusals = self._refusals
            try:
                result = await found(*args, **kwargs)
            except BudgetExceededError:
                self._refusals += 1
                self._owner.was_refused = True
                raise
            if refusals == self._refusals:
                self._owner.was_refused = False
            return result

        def act_at_once(*args: Any, **kwargs: Any) -> Any:
            self._count()
            return found(*args, **kwargs)

        return act if inspect.iscoroutinefunction(found) else act_at_once

    def _count(self) -> None:
        self._acts += 1
        if self._acts > MOST_ACTS:
            raise EndlessError(f"more than {MOST_ACTS} acts on one problem")
