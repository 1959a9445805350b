"""How a memory is shown to a model when it must be cut."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["newest_lines"]


def newest_lines(lines: Sequence[str], max_chars: int | None = None) -> str:
    """The lines joined; with a limit, the last ones that fit.

    When not even the last one fits, its beginning is given.
    """
    if max_chars is None or not lines:
        return "\n".join(lines)
    kept: list[str] = []
    room = max_chars + 1  # each line takes its length and a line break, the first one no break
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(reversed(kept)) if kept else lines[-1][: max(0, max_chars)]
