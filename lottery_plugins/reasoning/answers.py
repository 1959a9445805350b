"""Pull the final answer out of what a model wrote. Pure functions; any text is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

__all__ = ["final_answer", "marked_answer", "tidy"]

_BOX = "\\boxed{"
_HASHES = re.compile(r"^[ \t]*####[ \t]*(\S[^\n]*)", re.MULTILINE)
_SAID = re.compile(r"\banswer\b(?:\s+to\s[^\n.:]{1,80}?)?\**(?:\s+is\b\**[ \t]*[:=]?|[ \t]*[:=])", re.IGNORECASE)
_WORD_SENTENCE = re.compile(r"(\S+)\.\s+[A-Z]")
_INITIALS = re.compile(r"(?:^|\s)(?:[A-Za-z]\.)+$")
_WRAPPERS = (("**", "**"), ("$", "$"), ("`", "`"), ('"', '"'))


def final_answer(text: str) -> str:
    """The answer a text ends with: the marked one, or else its last line that is not blank; "" for blank text."""
    marked = marked_answer(text)
    if marked is not None:
        return marked
    lines = [line for line in text.splitlines() if line.strip()]
    return tidy(lines[-1]) if lines else ""


def marked_answer(text: str) -> str | None:
    r"""The last answer that the text marks as one, by \boxed{}, "####", "the answer is" or "Answer:"; None without.

    When several kinds of mark occur, the one that starts last counts.
    """
    found: list[tuple[int, Callable[[], str]]] = []
    boxed = text.rfind(_BOX)
    if boxed >= 0:
        found.append((boxed, lambda: _inside_braces(text, boxed + len(_BOX))))
    found += [(m.start(), partial(m.group, 1)) for m in _HASHES.finditer(text)]
    found += [(m.start(), partial(_first_line, text, m.end())) for m in _SAID.finditer(text)]
    last_first = sorted(found, key=lambda mark: -mark[0])
    answer = next(filter(None, (tidy(read()) for _, read in last_first)), None)
    if answer is None:
        return None
    # "The answer is \boxed{4}." is one mark, not two.
    return tidy(_inside_braces(answer, answer.find(_BOX) + len(_BOX))) if _BOX in answer else answer


def tidy(answer: str) -> str:
    """An answer on one line without the decoration that models put around it: bold, quotes, $, a full stop."""
    answer = " ".join(answer.split())
    while True:
        before = answer
        for opening, closing in _WRAPPERS:
            inner = answer[len(opening) : -len(closing)]
            if len(answer) > len(opening + closing) and answer == f"{opening}{inner}{closing}" and opening not in inner:
                answer = inner.strip()
        if answer.endswith(".") and not answer.endswith("..") and not _INITIALS.search(answer):
            answer = answer[:-1].rstrip()
        if answer == before:
            return answer


def _first_line(text: str, start: int) -> str:
    """The rest of the line, or the next line that is not blank when the mark stands at the end of its line."""
    line = text[start:].lstrip(" \t\r\n:").split("\n", 1)[0]
    if line.count("**") % 2:  # the mark itself was bold: "**Answer:** 5"
        line = line.replace("**", "", 1).lstrip()
    word = _WORD_SENTENCE.match(line)  # "5. That is all": the number alone is the answer
    return word.group(1) if word and re.search(r"\d", word.group(1)) else line


def _inside_braces(text: str, start: int) -> str:
    """What stands between the brace opened just before `start` and its partner, or the end of the line without one."""
    depth = 1
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[start:i]
    return text[start:].split("\n", 1)[0]
