"""Spans of time: reading them, adding them to a moment, and the span between two moments."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from lottery_plugins.tools.dates.errors import DatesError
from lottery_plugins.tools.dates.moments import Moment

__all__ = ["Span", "added", "difference", "read_span"]

_UNIT = r"(years?|months?|weeks?|fortnights?|days?|hours?|hrs?|minutes?|mins?|seconds?|secs?)"
_PART = re.compile(rf"(?:and\s+)?(\d{{1,7}}|an?|one)\s*{_UNIT}\b[\s,]*", re.IGNORECASE)
_SECONDS = {"h": 3600, "mi": 60, "s": 1}
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}


@dataclass(frozen=True, slots=True)
class Span:
    """Calendar months and days, and seconds of elapsed time."""

    months: int = 0
    days: int = 0
    seconds: int = 0


def read_span(text: str) -> Span | None:
    """The span that the whole text says: "3 days", "1 year and 2 months", "90 minutes"; None when it says none."""
    text, at = text.strip(), 0
    months = days = seconds = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            return None
        at = match.end()
        number, unit = int(match[1]) if match[1].isdigit() else 1, match[2].lower()
        if unit.startswith(("year", "mo")):
            months += number * (12 if unit[0] == "y" else 1)
        elif unit.startswith(("day", "week", "fort")):
            days += number * {"d": 1, "w": 7, "f": 14}[unit[0]]
        else:
            seconds += number * next(size for start, size in _SECONDS.items() if unit.startswith(start))
    return Span(months, days, seconds) if at else None


def added(moment: Moment, span: Span, sign: int) -> Moment:
    """The moment after a span, or before it for sign -1.

    Months first: a day that the month does not have becomes its last one. Days keep the time of day; hours, minutes and
    seconds are elapsed time also where clocks are changed.

    Raises:
        DatesError: That is before the year 1 or after 9999.
    """
    try:
        moment = _months_later(moment, sign * span.months) + timedelta(days=sign * span.days)
        if not span.seconds:
            return moment
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        elapsed = timedelta(seconds=sign * span.seconds)
        return (
            moment + elapsed if moment.tzinfo is None else (moment.astimezone(UTC) + elapsed).astimezone(moment.tzinfo)
        )
    except (OverflowError, ValueError):
        raise DatesError("the result is before the year 1 or after 9999", category="domain") from None


def _months_later(moment: Moment, months: int) -> Moment:
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))


def difference(first: Moment, second: Moment, unit: str) -> str:
    """The span from the first moment to the second, in one unit or, for "", in days and in the larger units.

    Raises:
        DatesError: One has a zone and the other a time without.
    """
    if unit in ("months", "years"):
        months = _whole_months(first, second)
        return _counted(months if unit == "months" else int(months / 12), unit[:-1])
    seconds = _seconds_between(first, second)
    if unit:
        whole, rest = divmod(seconds, _UNITS[unit])
        return _counted(seconds / _UNITS[unit] if rest else whole, unit[:-1])
    days, rest = divmod(abs(seconds), 86_400)
    sign = "-" if seconds < 0 else ""
    if not rest:
        parts = _calendar_parts(*_sorted(first, second))
        return f"{sign}{_counted(days, 'day')}" + (
            f" ({parts}{' back' if sign else ''})" if days >= 28 and parts else ""
        )
    hours, rest = divmod(rest, 3600)
    parts = ", ".join(
        _counted(n, word)
        for n, word in ((days, "day"), (hours, "hour"), (rest // 60, "minute"), (rest % 60, "second"))
        if n
    )
    return f"{sign}{parts} ({sign}{_counted(abs(seconds), 'second')})"


def _sorted(first: Moment, second: Moment) -> tuple[Moment, Moment]:
    """Both, the earlier first."""
    return (first, second) if _seconds_between(first, second) >= 0 else (second, first)


def _seconds_between(first: Moment, second: Moment) -> int:
    start, end = (m if isinstance(m, datetime) else datetime.combine(m, time()) for m in (first, second))
    if not isinstance(first, datetime) or not isinstance(second, datetime):  # a bare date takes the other's zone
        start, end = (m.replace(tzinfo=m.tzinfo or start.tzinfo or end.tzinfo) for m in (start, end))
    if (start.tzinfo is None) != (end.tzinfo is None):
        raise DatesError("only one of the times has a time zone", "Write the zone of both, or of none.")
    if start.tzinfo is not None and end.tzinfo is not None:
        start, end = start.astimezone(UTC), end.astimezone(UTC)
    return round((end - start).total_seconds())


def _whole_months(first: Moment, second: Moment) -> int:
    """Whole months from the first to the second, negative backwards."""
    start, end = _sorted(first, second)
    months = (end.year - start.year) * 12 + end.month - start.month
    if months and _seconds_between(_months_later(start, months), end) < 0:
        months -= 1
    return months if (start, end) == (first, second) else -months


def _calendar_parts(start: Moment, end: Moment) -> str:
    """Years, months and days: "1 year, 2 months, 3 days"."""
    months = _whole_months(start, end)
    days = _seconds_between(_months_later(start, months), end) // 86_400
    parts = ((months // 12, "year"), (months % 12, "month"), (days, "day"))
    return ", ".join(_counted(number, word) for number, word in parts if number) if months else ""


def _counted(number: float, word: str) -> str:
    shown = f"{number:.6f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)
    return f"{shown} {word}" if shown == "1" else f"{shown} {word}s"
