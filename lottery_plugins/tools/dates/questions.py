"""The questions about dates that are understood."""

from __future__ import annotations

import re
from datetime import datetime

from lottery_plugins.tools.dates.errors import DatesError
from lottery_plugins.tools.dates.moments import Moment, read_moment, written
from lottery_plugins.tools.dates.spans import added, difference, read_span
from lottery_plugins.tools.dates.zones import is_zone, zone_named

__all__ = ["answer"]

_WEEKDAY = re.compile(
    r"(?:(?:what|which)\s+)?(?:day(?:\s+of\s+the\s+week)?|weekday)\s+(?:(?:is|was|of|for|on|will\s+be)\s+)+(.+)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"(?:(?:how\s+many|number\s+of|the)\s+)*(?:(seconds|minutes|hours|days|weeks|months|years|difference|time)\s+)?"
    r"(?:are\s+|is\s+)?(?:between|from)\s+(.+?)\s+(?:and|to|until|till)\s+(.+)",
    re.IGNORECASE,
)
_BEFORE_OR_AFTER = re.compile(r"(?:what\s+is\s+)?(.+?)\s+(after|from|before|ago)\b\s*(.*)", re.IGNORECASE)
_IN_SPAN = re.compile(r"in\s+(.+)", re.IGNORECASE)
_CONVERTED = re.compile(r"(?:convert\s+)?(.+)\s+(?:in|to|into|->)\s+([A-Za-z_+:0-9/ -]+)", re.IGNORECASE)
_TERM = re.compile("\\s+(\\+|-|\u2212|\u2013|plus|minus)\\s+", re.IGNORECASE)  # minus sign and en dash, too
_UNITS = ("seconds", "minutes", "hours", "days", "weeks", "months", "years")


def answer(question: str, now: datetime | None) -> str:
    """Answer one question.

    Args:
        question: A date to be described, `date + span`, `date - date`, `span after date`, `unit between date and date`,
            `weekday of date`, `time zone to zone`.
        now: The present, with its zone; None when the run has none.

    Raises:
        DatesError: It is none of these, or says what does not exist.
    """
    text = " ".join(question.split()).rstrip("?=. ")
    weekday = _WEEKDAY.fullmatch(text)
    if weekday:
        return f"{_computed(weekday[1], now):%A}"
    between = _BETWEEN.fullmatch(text)
    if between:
        unit = (between[1] or "").lower()
        return difference(_computed(between[2], now), _computed(between[3], now), unit if unit in _UNITS else "")
    converted = _CONVERTED.fullmatch(text)
    if converted and (is_zone(converted[2]) or _has_time(converted[1], now)):
        return _in_zone(_computed(converted[1], now), converted[2])
    terms = _TERM.split(text)
    if len(terms) == 3 and terms[1] not in ("+", "plus") and read_span(terms[2]) is None:
        return difference(read_moment(terms[2], now), _computed(terms[0], now), "")
    return written(_computed(text, now))


def _computed(text: str, now: datetime | None) -> Moment:
    """A moment, perhaps with spans added to it."""
    relative = _BEFORE_OR_AFTER.fullmatch(text)
    span = read_span(relative[1]) if relative else None
    if relative and span is not None:
        start = read_moment(relative[3] or "now", now)
        return added(start, span, 1 if relative[2].lower() in ("after", "from") else -1)
    ahead = _IN_SPAN.fullmatch(text)
    span = read_span(ahead[1]) if ahead else None
    if span is not None:
        return added(read_moment("now", now), span, 1)
    first, *rest = _TERM.split(text)
    moment = read_moment(first, now)
    for sign, term in zip(rest[::2], rest[1::2], strict=True):
        span = read_span(term)
        if span is None:
            hint = "Write a number and days, weeks, months, years, hours, minutes or seconds."
            raise DatesError(f"cannot read {term[:60]!r} as a span of time", hint)
        moment = added(moment, span, 1 if sign.lower() in ("+", "plus") else -1)
    return moment


def _has_time(text: str, now: datetime | None) -> bool:
    """Whether this is a moment with a time, so that a zone behind it means a conversion."""
    try:
        return isinstance(_computed(text, now), datetime)
    except DatesError:
        return False


def _in_zone(moment: Moment, zone: str) -> str:
    target = zone_named(zone)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise DatesError("the time has no time zone", "Write it behind the time: 2024-02-29 13:30 Europe/Rome to UTC.")
    try:
        return written(moment.astimezone(target))
    except (OverflowError, ValueError):
        raise DatesError("the result is before the year 1 or after 9999", category="domain") from None
