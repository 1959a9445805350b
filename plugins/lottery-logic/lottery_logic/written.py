"""Find the program in what a model wrote. Pure functions; any text is allowed."""

from __future__ import annotations

import re

from lottery_logic.language.parser import KEYWORDS

__all__ = ["program_in"]

_FENCED = re.compile(r"(?:```|~~~)[^\n]*\n(.*?)(?:```|~~~|\Z)", re.DOTALL)
_STATEMENT = re.compile(rf"[ \t]*(?:{'|'.join(KEYWORDS)})\b(?![ \t]*[=<>(])", re.IGNORECASE)


def program_in(begin: str, reply: str) -> str:
    """The program in a reply to a message that was begun with `begin`.

    A model in this process goes on after the beginning; a server may let it start anew, and then the reply is the
    whole program. Prose before the first statement is left out, and paragraphs after the last one. What stands between
    statements stays: leaving out a statement that is merely misspelt would change what the program says.
    """
    text = reply
    if fenced := _FENCED.search(reply):
        text = fenced[1]
    elif not _STATEMENT.match(reply.lstrip("\n")):
        text = begin + (" " if begin and not reply[:1].isspace() else "") + reply
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if _STATEMENT.match(line)]
    if not starts:
        return text.strip()
    end = next((i for i in range(starts[-1] + 1, len(lines)) if not lines[i].strip()), len(lines))
    return "\n".join(lines[starts[0] : end]).strip()
