"""`datetime`: dates, times, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools.arguments import text_argument
from lottery_plugins.tools.dates.errors import DatesError
from lottery_plugins.tools.dates.questions import answer
from lottery_plugins.trajectory import ToolResult

__all__ = ["DateTime"]

HINT = "Send one such as: 2024-01-31 + 1 month; days between 2024-02-01 and 2024-03-01; weekday of 2024-02-29."


@dataclass(frozen=True)
class DateTime:
    """Add spans to dates, tell weekdays and differences, convert times between zones. Gregorian, years 1 to 9999.

    There is no present moment unless the run fixes one with `now`: an answer that depends on the hour of the run could
    not be repeated. "now" and "today" are refused without it. `now=clock` asks for the machine's clock all the same.
    A day that a month does not have becomes its last one. A local time that clocks skip is refused; one that comes
    twice is the first. Zones are those of the machine's time zone database.

    Raises:
        ConfigError: If `now` is no time with a zone.
    """

    name: ClassVar[str] = "datetime"
    summary: ClassVar[str] = "Compute with dates and times: sums, differences, weekdays, time zones."

    now: str | None = option(
        None, "what 'now' and 'today' mean", allowed="a time with its zone such as 2026-01-31T12:00Z; 'clock'; null"
    )

    def __post_init__(self) -> None:
        if self.now not in (None, "clock"):
            self._present()

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        examples = "2024-01-31 + 1 month; days between 2024-02-01 and 2024-03-01; weekday of 2024-02-29; "
        return ToolDescription(
            self.name,
            "Computes with dates and times: adds spans, tells differences and weekdays, converts time zones.",
            (Parameter("expression", "string", f"e.g. {examples}2024-02-29 13:30 Europe/Rome to Asia/Tokyo"),),
        )

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The date, weekday or span as text.

        Raises:
            ToolError: The question can't be read, or has no answer.
        """
        text = text_argument(self.description, arguments, max_chars=200, hint=HINT)
        try:
            return ToolResult(answer(text, self._present()))
        except DatesError as error:
            hint = error.hint or (HINT if error.category == "arguments" else "")
            raise ToolError(self.name, error.problem, hint, category=error.category) from None

    def _present(self) -> datetime | None:
        """What "now" means.

        Raises:
            ConfigError: The option is no time with a zone.
        """
        if self.now is None:
            return None
        if self.now == "clock":
            return datetime.now(UTC)
        try:
            now = datetime.fromisoformat(self.now)
        except ValueError:
            now = None
        if now is None or now.tzinfo is None:
            raise ConfigError(
                "tools: datetime.now", self.now, "a time with its zone, such as 2026-01-31T12:00Z, or clock"
            )
        return now
