"""Time zones by name, city or offset."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from lottery_plugins.tools.dates.errors import DatesError

__all__ = ["is_zone", "zone_named"]

_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)


def zone_named(name: str) -> tzinfo:
    """The zone of an IANA name ("Asia/Tokyo"), of a city in one ("Tokyo"), of "UTC" or of an offset ("+05:30").

    A name counts only when the time zone database has it, so no text of a model becomes a path.

    Raises:
        DatesError: There is none.
    """
    word = re.sub(r"\s+", "_", name.strip()).lower().removesuffix("_time")
    if word in ("utc", "gmt", "z"):
        return UTC
    offset = _OFFSET.fullmatch(name.strip())
    if offset:
        return _fixed(offset)
    known = _known()
    if not known:
        raise DatesError("this machine has no time zone database", "Write offsets such as +05:30.", "domain")
    if word not in known:
        near = [known[close] for close in difflib.get_close_matches(word, known, n=1)] or ["Europe/Rome"]
        raise DatesError(f"no time zone is called {name.strip()[:60]!r}", f"Write a name such as {near[0]}.")
    return ZoneInfo(known[word])


def is_zone(name: str) -> bool:
    """Whether `zone_named` knows it."""
    try:
        zone_named(name)
    except DatesError:
        return False
    return True


def _fixed(offset: re.Match[str]) -> tzinfo:
    minutes = int(offset[2]) * 60 + int(offset[3] or 0)
    if int(offset[3] or 0) > 59 or minutes > 14 * 60:
        raise DatesError(f"no time zone has the offset {offset[0].strip()!r}", "Offsets are from -14:00 to +14:00.")
    return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    """Lower-case name or city to IANA name; a city that several zones share is left out."""
    names = {name for name in available_timezones() if not name.startswith(("posix/", "right/", "Etc/", "SystemV/"))}
    cities: dict[str, list[str]] = {}
    for name in names:
        if "/" in name:
            cities.setdefault(name.rsplit("/", 1)[1].lower(), []).append(name)
    return {city: of[0] for city, of in cities.items() if len(of) == 1} | {name.lower(): name for name in names}
