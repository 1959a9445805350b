"""`wikipedia`: search it, read a summary, read a section."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools.arguments import text_argument
from lottery_plugins.trajectory import ToolResult
from lottery_wikipedia.access import Access
from lottery_wikipedia.encyclopedia import MAX_QUERY_CHARS, Encyclopedia, Page, open_encyclopedia
from lottery_wikipedia.errors import NoAnswerError
from lottery_wikipedia.opening import prepare, stamp_of

__all__ = ["ReadSection", "ReadSummary", "SearchPages", "WikipediaTools"]

MAX_TITLE_CHARS = 255


@dataclass(frozen=True)
class WikipediaTools(Access):
    """Three tools: `wikipedia_search`, `wikipedia_summary` and `wikipedia_section`.

    A page that is not there, and a Wikipedia that can't be reached, are told to the model. Requests of all processes
    of this machine go one after the other, keep the pauses that the server asks for, and stop for a while after a
    failure, so that being offline costs one call its deadline and the others nothing.

    Raises:
        ConfigError: If an option is out of range, or nobody says who asks.
        DataError: If the snapshot to replay is not there, or is none.
    """

    summary: ClassVar[str] = "Search Wikipedia, and read summaries and sections of its pages."
    source: ClassVar[str] = "https://www.mediawiki.org/wiki/API:Etiquette"
    scope: ClassVar[Literal["run", "problem"]] = "run"

    top_k: int = option(5, "pages that a search shows", unit="pages", allowed="1 to 20")
    max_chars: int = option(3000, "longest text of a page; more is cut", unit="characters", allowed="100 to 1000000")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.top_k <= 20:
            raise ConfigError("wikipedia.top_k", self.top_k, "a whole number from 1 to 20")
        if not 100 <= self.max_chars <= 1_000_000:
            raise ConfigError("wikipedia.max_chars", self.max_chars, "a whole number from 100 to 1000000")

    def open(self) -> Sequence[_Reader]:
        """The tools; a snapshot is looked at now, the network is not.

        Raises:
            DataError: The file to replay or to record to is no snapshot.
        """
        prepare(self)
        return [SearchPages(self), ReadSummary(self), ReadSection(self)]

    @property
    def stamp(self) -> str:
        """Names the recorded answers; "" where live ones are given."""
        return stamp_of(self)


@dataclass(frozen=True)
class _Reader(ABC):
    """One of the tools; all have the options of their set."""

    name: ClassVar[str]
    summary: ClassVar[str]

    options: WikipediaTools

    @property
    @abstractmethod
    def description(self) -> ToolDescription:
        """What the model is told."""

    @abstractmethod
    def answer(self, wiki: Encyclopedia, arguments: Sequence[str]) -> str:
        """The text for the model, from the arguments in their order."""

    @property
    def stamp(self) -> str:
        """As of the set."""
        return self.options.stamp

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """What Wikipedia says.

        Raises:
            ToolError: The arguments can't be read, there is no such page, or nobody answers.
            ConfigError: Wikipedia does not let this user in.
        """
        texts = self._texts(arguments)
        try:
            return ToolResult(self.answer(open_encyclopedia(self.options.plain()), texts))
        except NoAnswerError as error:
            raise ToolError(self.name, str(error), error.hint, category=error.category) from None

    def _texts(self, arguments: Mapping[str, Any]) -> list[str]:
        described = self.description
        names = [parameter.name for parameter in described.parameters]
        hint = f"Arguments: {', '.join(names)}."
        for unknown in [str(name) for name in arguments if name not in names][:1]:
            raise ToolError(self.name, f"no argument is called {unknown[:60]!r}", hint)
        texts = []
        for parameter in described.parameters:
            one = ToolDescription(self.name, described.description, (parameter,))
            given = {parameter.name: arguments[parameter.name]} if parameter.name in arguments else {}
            limit = MAX_QUERY_CHARS if parameter.name == "query" else MAX_TITLE_CHARS
            texts.append(" ".join(text_argument(one, given, max_chars=limit, hint=hint).split()))
        return texts

    def _page(self, wiki: Encyclopedia, title: str) -> Page:
        page = wiki.page(title)
        if page is None:
            hint = f"Find its title with {SearchPages.name}."
            raise ToolError(self.name, f"Wikipedia has no page {title!r}", hint, category="domain")
        return page

    def _cut(self, text: str) -> str:
        most = self.options.max_chars
        return text if len(text) <= most else f"{text[:most]}\n[cut: {most} of {len(text)} characters]"


@dataclass(frozen=True)
class SearchPages(_Reader):
    """Titles of pages, each with the words around the match."""

    name: ClassVar[str] = "wikipedia_search"
    summary: ClassVar[str] = "Search Wikipedia for pages."

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        parameters = (Parameter("query", "string", "a few words, e.g. height of Mont Blanc"),)
        return ToolDescription(self.name, "Searches Wikipedia and lists the titles of the pages that fit.", parameters)

    def answer(self, wiki: Encyclopedia, arguments: Sequence[str]) -> str:
        """A numbered line for each page."""
        (query,) = arguments
        hits, suggestion = wiki.search(query, self.options.top_k)
        if not hits:
            also = f" Did you mean {suggestion!r}?" if suggestion else ""
            return f"No page fits {query!r}.{also}"
        return self._cut("\n".join(f"{i}. {hit.title}: {hit.snippet}" for i, hit in enumerate(hits, start=1)))


@dataclass(frozen=True)
class ReadSummary(_Reader):
    """The beginning of a page, and the headings of its sections."""

    name: ClassVar[str] = "wikipedia_summary"
    summary: ClassVar[str] = "Read the beginning of a Wikipedia page."

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        parameters = (Parameter("title", "string", "title of the page, e.g. Mont Blanc"),)
        return ToolDescription(
            self.name, "Gives the beginning of a Wikipedia page and the headings of its sections.", parameters
        )

    def answer(self, wiki: Encyclopedia, arguments: Sequence[str]) -> str:
        """Title, beginning, headings."""
        page = self._page(wiki, arguments[0])
        headings = _headings(page)
        return f"{page.title}\n{self._cut(page.summary)}" + (f"\nSections: {headings}" if headings else "")


@dataclass(frozen=True)
class ReadSection(_Reader):
    """One section of a page, with the sections in it."""

    name: ClassVar[str] = "wikipedia_section"
    summary: ClassVar[str] = "Read a section of a Wikipedia page."

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        parameters = (
            Parameter("title", "string", "title of the page"),
            Parameter("section", "string", "heading of the section, as wikipedia_summary lists it"),
        )
        return ToolDescription(self.name, "Gives one section of a Wikipedia page.", parameters)

    def answer(self, wiki: Encyclopedia, arguments: Sequence[str]) -> str:
        """Title, heading, text."""
        title, heading = arguments
        page = self._page(wiki, title)
        text = page.section(heading)
        if text is None:
            hint = f"Its sections: {_headings(page) or 'none'}."
            raise ToolError(self.name, f"the page {page.title!r} has no section {heading!r}", hint, category="domain")
        return f"{page.title}: {heading}\n{self._cut(text)}"


def _headings(page: Page) -> str:
    """The headings in reading order, cut after a thousand characters."""
    text = "; ".join(dict.fromkeys(section.path[-1] for section in page.sections))
    return text if len(text) <= 1000 else f"{text[:1000]} ..."
