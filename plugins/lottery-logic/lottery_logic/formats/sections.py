"""The sections that Logic-LM's programs are made of: "Facts:", "Rules:", "Query:" and so on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lottery_logic.language.errors import Place, ProgramError

__all__ = ["Line", "sections"]

Line = tuple[str, Place]


def sections(text: str, names: Sequence[str], needed: Sequence[str]) -> dict[str, list[Line]]:
    """The lines of each section, without comments (":::") and blank lines.

    A heading stands alone on its line, or has the section's first line behind it.

    Raises:
        ProgramError: A section that is needed is missing, or a line comes before all headings.
    """
    heading = re.compile(rf"\s*({'|'.join(map(re.escape, names))})\s*:(?!:)(.*)", re.DOTALL)
    found: dict[str, list[Line]] = {}
    current: list[Line] | None = None
    for number, whole in enumerate(text.splitlines(), 1):
        if match := heading.fullmatch(whole):
            current = found.setdefault(match[1], [])
            whole = match[2]
        content = whole.split(":::")[0].strip()
        if not content:
            continue
        if current is None:
            raise ProgramError(
                Place(number, 1), f"{content[:40]!r} stands before any section", f"Begin with {names[0]}:"
            )
        current.append((content, Place(number, 1)))
    for name in needed:
        if name not in found:
            raise ProgramError(Place(1, 1), f"the section {name} is missing", f"Needed are {', '.join(needed)}.")
    return found
