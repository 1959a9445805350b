"""Schedules of sub-problems, and how they are read out of what a model wrote. Pure functions; any text is allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.limits import StopReason

__all__ = ["Schedule", "SubProblem", "list_items", "parse_schedule", "waves"]

MAX_CHARS = 8000
"""What a model wrote beyond this is not looked at."""

MAX_LINES = 100
"""Nor are lines beyond this many."""

MAX_TEXT = 400
"""Longest text of one sub-problem, in characters."""

_WORD = r"(?:steps?|parts?|sub-?(?:problem|question|task)s?|questions?|problems?|tasks?|answers?|results?|q|no\.?|#)"
_NUMBERED = re.compile(
    rf"[ \t>*_#(\[-]*(?:{_WORD}[ \t]*)?(\d{{1,2}})(?:[.):\]]+|[ \t]*[-\u2013](?=[ \t]))(?=[\s*_]|$)[ \t*_:]*(.*)",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[ \t]*[-*+\u2022][ \t]+(.*)")
_OR = re.compile(
    r"[ \t>*_(\[-]*(?:or|alternative(?:ly)?|another way)\b[ \t*_)\]]*(?:[:,.-][ \t*_]*|[ \t]+|$)", re.IGNORECASE
)
_NEEDS = r"(?:needs?|depends?(?:[ \t]+on)?|dependenc(?:y|ies)|requires?|uses?|using|after|from|given)"
_BRACKETED_NEEDS = re.compile(rf"[(\[{{][ \t]*{_NEEDS}\b([^()\[\]{{}}]{{0,80}})[)\]}}]?", re.IGNORECASE)
_BARE_NEEDS = re.compile(
    r"(?:^|[,;:.?!\u2013-])[ \t]*(?:needs?|depends[ \t]+on|requires?)\b:?[ \t]*"
    r"((?:(?:steps?|parts?|questions?|and|none|nothing)\b|[\d,&#. \t]){1,60})$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    rf"#(\d{{1,2}})\b|\b(?:answer|result|output)s?[ \t]+(?:of|from|to|in)[ \t]+(?:{_WORD}[ \t]*)?(\d{{1,2}})\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{1,2}")
_LIST_KEYS = (
    "parts", "steps", "sub_problems", "subproblems", "sub_questions", "subquestions", "questions", "problems", "tasks",
    "subtasks", "schedule", "plan",
)  # fmt: skip
_TEXT_KEYS = (
    "question", "sub_problem", "subproblem", "sub_question", "subquestion", "text", "task", "problem", "step",
    "description", "title", "name",
)  # fmt: skip
_NEED_KEYS = ("needs", "depends_on", "dependencies", "requires", "after", "uses")
_KIND_KEYS = ("kind", "type", "relation")
_LABEL_KEYS = ("id", "number", "index", "step")


@dataclass(frozen=True, slots=True)
class SubProblem:
    """One line of a schedule.

    Attributes:
        text: The sub-problem, or for an alternative the way to go.
        needs: Which earlier parts it builds on, by index, rising.
        is_alternative: Whether it is a way to solve the whole problem, not a part of it.
        begun: Reasoning that the solution begins with; None for none.
    """

    text: str
    needs: tuple[int, ...] = ()
    is_alternative: bool = False
    begun: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to solve a problem.

    Attributes:
        alternatives: Ways to solve all of it, one of which is enough (an OR node), in the order to be tried.
        parts: Pieces that are all needed (an AND node); each may build on earlier ones.
        spent: The limit that kept better alternatives from being found; None for none.
    """

    alternatives: tuple[SubProblem, ...] = ()
    parts: tuple[SubProblem, ...] = ()
    spent: StopReason | None = None

    def __bool__(self) -> bool:
        return bool(self.alternatives or self.parts)


@dataclass(frozen=True, slots=True)
class _Item:
    """A sub-problem as it was read; `needs` are labels, None where nothing was said about them."""

    label: int
    text: str
    needs: tuple[int, ...] | None = None
    is_alternative: bool = False


def parse_schedule(text: str, *, max_items: int, question: str = "") -> Schedule:
    """The schedule in a model's text: JSON, or a list with a sub-problem a line.

    A line is a part, or an alternative when it begins with "or". Parts say what they build on: "(needs 1, 2)",
    "depends on 1", "the answer of #1", or a JSON list. When no part says anything about that, each builds on all
    before it: models that leave the needs out mostly write steps that follow each other.

    Only needs of earlier parts are kept, so a schedule has no cycle. What is blank, said twice or only repeats the
    question is left out.

    Args:
        text: Anything.
        max_items: Sub-problems beyond this many are left out.
        question: The problem that the schedule is for.
    """
    text = text[:MAX_CHARS]
    items = list(_json_items(text)) or list(_line_items(text))
    seen, places = {_plain(question)}, dict[int, int]()
    kept: list[_Item] = []
    for item in items:
        if _plain(item.text) not in seen and len(kept) < max_items:
            seen.add(_plain(item.text))
            kept.append(item)
    alternatives = tuple(SubProblem(item.text, is_alternative=True) for item in kept if item.is_alternative)
    said = any(item.needs is not None for item in kept)
    parts: list[SubProblem] = []
    for item in kept:
        if not item.is_alternative:
            before = range(len(parts))
            needs = {places[n] for n in item.needs or () if n in places} if said else before
            places.setdefault(item.label, len(parts))
            parts.append(SubProblem(item.text, tuple(sorted(needs))))
    return Schedule(alternatives, tuple(parts))


def waves(parts: Sequence[SubProblem]) -> list[list[int]]:
    """The parts in groups: those of a group need only parts of earlier groups, so they can be solved at once."""
    level: list[int] = []
    for part in parts:
        level.append(1 + max((level[i] for i in part.needs), default=-1))
    return [[i for i, own in enumerate(level) if own == wave] for wave in range(max(level, default=-1) + 1)]


def list_items(text: str) -> list[str]:
    """The entries of a numbered or bulleted list; the lines that are not blank when there is no list."""
    lines = [line for line in text[:MAX_CHARS].splitlines() if line.strip()][:MAX_LINES]
    entries = [found[1] for line in lines if (found := _entry(line)) is not None]
    return [cleaned for entry in entries or lines if (cleaned := _cleaned(entry))]


def _line_items(text: str) -> Iterator[_Item]:
    """The sub-problems of a list, or of lines that are questions."""
    read: list[_Item] = []
    loose: list[_Item] = []
    is_or = False
    for line in text.splitlines()[:MAX_LINES]:
        rest = _OR.sub("", line, count=1) if _OR.match(line) else line
        if rest is not line and not rest.strip():  # a line that says "or" and nothing else: between two alternatives
            is_or = True
            read[-1:] = [_Item(item.label, item.text, item.needs, is_alternative=True) for item in read[-1:]]
            continue
        entry = _entry(rest)
        label, body = entry or (0, rest)
        inner = _OR.sub("", body, count=1) if _OR.match(body) else body
        is_alternative = is_or or rest is not line or inner is not body
        if entry is not None or (is_alternative and rest is not line):
            read.append(_item(label or len(read) + 1, inner, is_alternative=is_alternative))
            is_or = False
        elif body.rstrip(" \t*_)").endswith("?"):
            loose.append(_item(len(loose) + 1, body))
    yield from (item for item in (read or loose) if item.text)


def _entry(line: str) -> tuple[int, str] | None:
    """Label and text of a list entry, label 0 for a bullet; None when the line is none."""
    found = _NUMBERED.match(line)
    if found:
        return int(found[1]), found[2]
    bullet = _BULLET.match(line)
    return (0, bullet[1]) if bullet else None


def _item(label: int, text: str, *, is_alternative: bool = False) -> _Item:
    """A sub-problem from its line: what it says of its needs is taken out of the text, references are left in."""
    found = _BRACKETED_NEEDS.search(text) or _BARE_NEEDS.search(text)
    numbers = [int(n) for n in _NUMBER.findall(found[1])] if found else []
    if found and not numbers and not re.search(r"none|nothing|^\W*$", found[1], re.IGNORECASE):
        found = None  # "(from the shop)" is a part of the question
    if found:
        text = text[: found.start()] + text[found.end() :]
    referred = [int(a or b) for a, b in _REFERENCE.findall(text)]
    needs = (*numbers, *referred) if found or referred else None
    return _Item(label, _cleaned(text), needs, is_alternative)


def _json_items(text: str) -> Iterator[_Item]:
    """The sub-problems of the first JSON list or object that holds some."""
    for start in [found.start() for found in re.finditer(r"[\[{]", text)][:8]:
        try:
            value = json.JSONDecoder(strict=False).raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue
        items = [item for item in _json_list(value) if item.text]
        if items:
            yield from items
            return


def _json_list(value: Any) -> Iterator[_Item]:
    if isinstance(value, dict):
        lower = {str(key).lower(): entry for key, entry in value.items()}
        ways = lower.get("alternatives")
        if isinstance(ways, list):
            yield from (_json_item(i, entry, is_alternative=True) for i, entry in enumerate(ways, 1))
        value = next((lower[key] for key in _LIST_KEYS if isinstance(lower.get(key), list)), [])
    if isinstance(value, list) and any(isinstance(entry, str | dict) for entry in value):
        yield from (_json_item(i, entry) for i, entry in enumerate(value, 1))


def _json_item(position: int, entry: Any, *, is_alternative: bool = False) -> _Item:
    if isinstance(entry, str):
        item = next(_line_items(entry), None) if _entry(entry) or _OR.match(entry) else None
        item = item or _item(position, entry)
        return _Item(item.label, item.text, item.needs, is_alternative or item.is_alternative)
    if not isinstance(entry, dict):
        return _Item(position, "")
    lower: Mapping[str, Any] = {str(key).lower(): value for key, value in entry.items()}
    text = next((lower[key] for key in _TEXT_KEYS if isinstance(lower.get(key), str)), "")
    label = next((n for key in _LABEL_KEYS for n in _numbers(lower.get(key))), position)
    stated = next((lower[key] for key in _NEED_KEYS if key in lower), None)
    kind = next((str(lower[key]).lower() for key in _KIND_KEYS if key in lower), "")
    is_way = is_alternative or kind in ("or", "alternative") or lower.get("alternative") is True
    item = _item(label, text)
    return _Item(label, item.text, item.needs if stated is None else tuple(_numbers(stated)), is_way)


def _numbers(value: Any) -> list[int]:
    """The labels in a JSON value: 2, "2", "q2", [1, "2"], "1 and 2"."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, list):
        return [n for entry in value[:20] if not isinstance(entry, list) for n in _numbers(entry)]
    return [int(n) for n in _NUMBER.findall(str(value)[:80])] if isinstance(value, int | str) else []


def _cleaned(text: str) -> str:
    """On one line, without decoration, not too long; "" when no letter or digit is in it."""
    text = " ".join(text.split()).strip(" *_`-,;:\u2013")[:MAX_TEXT].rstrip()
    return text if any(character.isalnum() for character in text) else ""


def _plain(text: str) -> str:
    """What two wordings of one sub-problem have in common."""
    return " ".join(re.findall(r"\w+", text.casefold()))
