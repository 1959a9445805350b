"""Searches and pages of Wikipedia, as values of our own."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lottery_plugins.errors import LotteryError
from lottery_wikipedia.access import Access
from lottery_wikipedia.circuit import Circuit, Clock
from lottery_wikipedia.errors import RefusedError

__all__ = ["Encyclopedia", "Hit", "Page", "Section", "open_encyclopedia"]

_TAG = re.compile(r"<[^>]*>")
_IN_NO_TITLE = re.compile(r"[#<>\[\]|{}\x00-\x1f\x7f\ufffd]")
_PAGES_KEPT = 64
MAX_QUERY_CHARS = 300
MAX_TITLE_BYTES = 255


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that a search found, with the words around the match as plain text."""

    title: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a page.

    Attributes:
        path: Its heading, after those of the sections that it is in.
        text: Its own text, without that of the sections in it.
    """

    path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page: what stands before its first heading, and its sections in reading order."""

    title: str
    summary: str
    sections: tuple[Section, ...]

    def section(self, heading: str) -> str | None:
        """The text of a section with all that is in it; None when no heading is like that, whatever its case."""
        wanted = heading.strip().casefold()
        for i, section in enumerate(self.sections):
            if section.path[-1].casefold() == wanted:
                inside = [s for s in self.sections[i + 1 :] if s.path[: len(section.path)] == section.path]
                parts = [section.text, *(f"{s.path[-1]}\n{s.text}".strip() for s in inside)]
                return "\n\n".join(part for part in parts if part)
        return None


class Encyclopedia:
    """One Wikipedia. Safe from any thread. The last pages are kept, so reading one's sections asks for it once.

    Args:
        access: Who asks, of which Wikipedia, within which time.
        clock: The time.
    """

    def __init__(self, access: Access, clock: Clock | None = None) -> None:
        from wikipediaapi import Wikipedia  # type: ignore[import-untyped]  # it ships no types

        from lottery_wikipedia.network import Network
        from lottery_wikipedia.transport import Transport

        clock = clock or Clock()
        network = Network(access, Circuit(access.address, access.cool_down_s, clock=clock), clock)
        self._wiki = Wikipedia(
            user_agent=access.agent or "nobody: a replay asks no server",
            language=access.language,
            extra_api_params={"maxlag": 5},  # https://www.mediawiki.org/wiki/Manual:Maxlag_parameter
            max_retries=0,  # repeats, their waits and the deadline belong together, in `Network`
            transport=Transport(access, network),
        )
        self._page = lru_cache(maxsize=_PAGES_KEPT)(self._asked)

    def search(self, query: str, limit: int) -> tuple[Sequence[Hit], str]:
        """The pages that fit a query, best first, and another spelling of it, or "".

        Raises:
            NoAnswerError: Nobody answers.
        """
        if len(query) > MAX_QUERY_CHARS:
            raise RefusedError(f"a query has at most {MAX_QUERY_CHARS} characters")
        found = self._wiki.search(query, limit=limit)
        hits = [Hit(title, _plain(page.search_meta.snippet)) for title, page in found.pages.items()]
        return hits[:limit], found.suggestion or ""

    def page(self, title: str) -> Page | None:
        """A page by its title or the title of a redirect to it; None when there is none.

        Raises:
            NoAnswerError: Nobody answers.
        """
        title = _normal(title)
        if _IN_NO_TITLE.search(title) or not title or len(title.encode("utf-8", "replace")) > MAX_TITLE_BYTES:
            return None
        return self._page(title)

    def _asked(self, title: str) -> Page | None:
        page = self._wiki.page(title)
        try:
            summary = page.summary
            exists = page.exists()
        except LotteryError:
            raise
        except KeyError:  # a title of another wiki or of a special page: an answer without a page
            return None
        return Page(page.title, summary, tuple(_sections(page.sections))) if exists else None


@lru_cache(maxsize=4)
def open_encyclopedia(access: Access) -> Encyclopedia:
    """One object for each process and access."""
    return Encyclopedia(access)


def _normal(title: str) -> str:
    """The title as MediaWiki writes it, so that a snapshot finds it however it was typed."""
    words = re.sub("[ _]+", " ", title).strip()
    first = words[:1].upper()
    return first + words[1:] if len(first) == 1 else words


def _sections(sections: Sequence[Any], path: tuple[str, ...] = ()) -> Iterator[Section]:
    for section in sections:
        here = (*path, section.title)
        yield Section(here, section.text.strip())
        yield from _sections(section.sections, here)


def _plain(snippet: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", snippet)).split())
