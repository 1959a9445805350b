"""Reading and writing a date, or a date with a time and perhaps a zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from lottery_plugins.tools.dates.errors import DatesError
from lottery_plugins.tools.dates.zones import zone_named

__all__ = ["Moment", "read_moment", "written"]

Moment = date | datetime
"""A datetime has a time of day, and a zone where one was written; a date has neither."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_DATES = (
    (re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)"), (1, 3, 4)),
    (re.compile(rf"{_DAY}\s+(?:of\s+)?{_MONTH},?\s+(\d{{4}})(?!\d)", re.IGNORECASE), (3, 2, 1)),
    (re.compile(rf"{_MONTH}\s+{_DAY},?\s+(\d{{4}})(?!\d)", re.IGNORECASE), (3, 1, 2)),
)
"""How dates are written, and the groups of year, month and day."""
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,?\s+", re.IGNORECASE)
_TIME = re.compile(
    r"[\sT,]*(?:at\s+)?(\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.\d+)?)?)?(?:\s*([ap])\.?m\b\.?)?", re.IGNORECASE
)
_RELATIVE = {"today": 0, "tomorrow": 1, "yesterday": -1}


def read_moment(text: str, now: datetime | None) -> Moment:
    """The date or time that the whole text says.

    Args:
        text: "2024-02-29", "29 February 2024", "Feb 29, 2024 1:30 pm Europe/Rome", "2024-02-29T13:30Z", "today", "now".
        now: The present, with its zone; None when the run has none.

    Raises:
        DatesError: It says none, or one that does not exist.
    """
    text = text.strip().strip(",.?!").strip()
    word = text.lower().removeprefix("the ").strip()
    if word in ("now", "today", "tomorrow", "yesterday", "current time", "current date"):
        return _relative(word, now)
    weekday = _WEEKDAY.match(text)
    rest = text[weekday.end() :] if weekday else text
    for pattern, groups in _DATES:
        match = pattern.match(rest)
        if match:
            year, month, day = (match[group] for group in groups)
            return _with_time(_date(year, month, day, text), rest[match.end() :], text)
    raise DatesError(f"cannot read {text[:60]!r} as a date", "Write dates as 2024-02-29, times as 2024-02-29 13:30.")


def _relative(word: str, now: datetime | None) -> Moment:
    if now is None:
        hint = "Write the date as 2024-02-29."
        raise DatesError(f"{word!r} has no meaning here, since this run has no present moment", hint, "denied")
    if word in ("now", "current time"):
        return now
    return (now + timedelta(days=_RELATIVE.get(word, 0))).date()


def _date(year: str, month: str, day: str, text: str) -> date:
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    try:
        return date(int(year), number, int(day))
    except ValueError as error:
        raise DatesError(f"there is no date {text[:60]!r} ({error})", category="domain") from None


def _with_time(day: date, rest: str, text: str) -> Moment:
    if not rest.strip():
        return day
    match = _TIME.match(rest)
    if match is None or not (match[2] or match[4]):
        raise DatesError(f"cannot read {rest.strip()[:60]!r} as a time", "Write times as 2024-02-29 13:30.")
    hour, minute, second = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    if match[4]:
        if not 1 <= hour <= 12:
            raise DatesError(f"there is no hour {hour} {match[4].lower()}m", category="domain")
        hour = hour % 12 + (12 if match[4].lower() == "p" else 0)
    zone = rest[match.end() :].strip().strip("()[]").removeprefix("in ").strip()
    try:
        moment = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone_named(zone) if zone else None)
    except ValueError as error:
        raise DatesError(f"there is no time {text[:60]!r} ({error})", category="domain") from None
    return _existing(moment)


def _existing(moment: datetime) -> datetime:
    """The moment, unless clocks were put forward over it."""
    if moment.tzinfo is not None and moment.astimezone(UTC).astimezone(moment.tzinfo).replace(fold=0) != moment:
        raise DatesError(f"clocks in {_zone(moment.tzinfo, moment)} skip {moment:%Y-%m-%d %H:%M}", category="domain")
    return moment


def written(moment: Moment) -> str:
    """A date as "2024-02-29 (Thursday)"; a time as "2024-02-29 13:30:00 Europe/Rome (Thursday)"."""
    day = f"{moment:%A}"
    if not isinstance(moment, datetime):
        return f"{moment.isoformat()} ({day})"
    zone = f" {_zone(moment.tzinfo, moment)}" if moment.tzinfo is not None else ""
    return f"{moment.replace(tzinfo=None, microsecond=0).isoformat(sep=' ')}{zone} ({day})"


def _zone(zone: tzinfo, moment: datetime) -> str:
    offset = f"{moment:%z}"
    return str(getattr(zone, "key", "")) or ("UTC" if zone is UTC else f"{offset[:3]}:{offset[3:5]}")
