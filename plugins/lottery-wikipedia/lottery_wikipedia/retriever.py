"""`wikipedia`: passages of the pages that a search finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.bm25_index import Bm25Index
from lottery_wikipedia.access import Access
from lottery_wikipedia.encyclopedia import MAX_QUERY_CHARS, Page, Section, open_encyclopedia
from lottery_wikipedia.errors import NoAnswerError, NotRecordedError
from lottery_wikipedia.opening import prepare, stamp_of

__all__ = ["WikipediaIndex", "WikipediaRetriever", "passages_of"]

_PASSAGES = ("section", "paragraph")
_UNRECORDED = ("error", "local")
_STEMMED = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "ru": "russian", "simple": "english", "sv": "swedish", "tr": "turkish",
}  # fmt: skip


@dataclass(frozen=True)
class WikipediaRetriever(Access):
    """Search Wikipedia for pages, cut them into passages, and rank these by BM25.

    A run that can't reach Wikipedia, or whose snapshot lacks the answer, ends with an error: going on without documents
    would change the score and hide it. Requests are made as politely as the tools make them.

    Raises:
        ConfigError: If an option is out of range, or nobody says who asks.
        DataError: If the snapshot to replay is not there, or is none.

    Cost: one request for the search and one for each page.
    """

    summary: ClassVar[str] = "Search Wikipedia, live or recorded, and rank the passages of the pages that are found."
    requires: ClassVar[tuple[tuple[str, str], ...]] = (
        *Access.requires,
        ("bm25s", "pip install bm25s"),
        ("Stemmer", "pip install PyStemmer"),
    )
    searches: ClassVar[str] = "outside"

    top_k: int = option(3, "passages given when the reasoner does not say how many", unit="passages", allowed="1 up")
    pages: int = option(3, "pages that are read for a query", unit="pages", allowed="1 to 20")
    passage: str = option("section", "what a document is", allowed="section, paragraph")
    max_words: int = option(200, "longest passage; a longer section is cut at its paragraphs", allowed="20 up")
    unrecorded: str = option(
        "error", "what a replay does with a new query: end the run, or rank all recorded pages", allowed="error, local"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_k < 1:
            raise ConfigError("wikipedia.top_k", self.top_k, "a whole number from 1")
        if not 1 <= self.pages <= 20:
            raise ConfigError("wikipedia.pages", self.pages, "a whole number from 1 to 20")
        if self.max_words < 20:
            raise ConfigError("wikipedia.max_words", self.max_words, "a whole number from 20")
        for field, allowed in (("passage", _PASSAGES), ("unrecorded", _UNRECORDED)):
            if getattr(self, field) not in allowed:
                raise ConfigError(f"wikipedia.{field}", getattr(self, field), f"one of {', '.join(allowed)}")

    def build(self, documents: Sequence[Document]) -> WikipediaIndex:
        """Wikipedia itself; called once for the run, with no documents. Asks no server.

        Raises:
            ConfigError: There are documents, which would not be searched.
            DataError: The file to replay or to record to is no snapshot.
        """
        if documents:
            hint = "Use retriever=bm25 for them."
            raise ConfigError(
                "retriever: wikipedia", f"{len(documents)} documents", "none: it searches Wikipedia", hint
            )
        prepare(self)
        return WikipediaIndex(self)

    def chunks(self, context: str) -> Sequence[Document]:
        """Only for retrievers that search the prompt."""
        return ()

    @property
    def stamp(self) -> str:
        """Names the recorded answers; "" where live ones are given."""
        return stamp_of(self)


class WikipediaIndex:
    """Searches as the options of the retriever say."""

    def __init__(self, options: WikipediaRetriever) -> None:
        self._options, self._wiki = options, open_encyclopedia(options.plain())
        self._bm25 = Bm25(language=_STEMMED.get(options.language, "none"))

    def search(self, query: str, top_k: int) -> list[ScoredDocument]:
        """The best passages that share a word with the query.

        Raises:
            DataError: Nobody answers.
        """
        text = " ".join(query.encode("utf-8", "replace").decode().split())[:MAX_QUERY_CHARS]
        if not text:
            return []
        try:
            hits, _ = self._wiki.search(text, self._options.pages)
            found = [page for hit in hits if (page := self._wiki.page(hit.title)) is not None]
        except NotRecordedError as error:
            if self._options.unrecorded == "local":
                return self._recorded.search(text, top_k)
            hint = "Record it, or rank the recorded pages with unrecorded=local."
            raise DataError("retriever wikipedia", f"has no answer, since {error}", hint) from None
        except NoAnswerError as error:
            hint = "Wait for the network, or replay a recorded run with replay=PATH."
            raise DataError("retriever wikipedia", f"has no answer: {error}", hint) from None
        return self._bm25.build(self._documents(found)).search(text, top_k)

    @cached_property
    def _recorded(self) -> Bm25Index:
        """All pages of the snapshot, in the order of recording."""
        from lottery_wikipedia.snapshot import open_snapshot

        questions = open_snapshot(self._options.replay).responses
        titles = [str(dict(question)["page"]) for question in questions if self._is_page(dict(question))]
        pages = [page for title in titles if (page := self._wiki.page(title)) is not None]
        return self._bm25.build(self._documents(pages))

    def _is_page(self, question: dict[str, str | int]) -> bool:
        return "page" in question and question["language"] == self._options.language

    def _documents(self, pages: Sequence[Page]) -> list[Document]:
        """The passages of different pages; two titles may lead to one page."""
        different = {page.title: page for page in pages}.values()
        return [document for page in different for document in passages_of(page, self._options)]


def passages_of(page: Page, options: WikipediaRetriever) -> Iterator[Document]:
    """The page as documents, in reading order; none of them blank, none longer than `max_words`.

    Ids name the place: "en:Heron", "en:Heron#Behaviour/Feeding", and "~2" after it for the second passage there. A
    heading that comes twice is told apart by a number.
    """
    seen: dict[str, int] = {}
    for section in (Section((), page.summary), *page.sections):
        place = f"{options.language}:{page.title}" + (f"#{'/'.join(section.path)}" if section.path else "")
        seen[place] = seen.get(place, 0) + 1
        place += f" ({seen[place]})" if seen[place] > 1 else ""
        title = ": ".join((page.title, " / ".join(section.path))) if section.path else page.title
        for number, part in enumerate(_parts(section.text, options), start=1):
            yield Document(f"{place}~{number}" if number > 1 else place, part, title)


def _parts(text: str, options: WikipediaRetriever) -> Iterator[str]:
    """A section cut at paragraphs, as many to a part as fit; a paragraph that is too long is cut between words."""
    kept: list[str] = []
    for paragraph in text.split("\n"):
        words = paragraph.split()
        pieces = [words[i : i + options.max_words] for i in range(0, len(words), options.max_words)]
        for piece in pieces:
            num_words = sum(len(part.split()) for part in kept)
            if kept and (options.passage == "paragraph" or num_words + len(piece) > options.max_words):
                yield "\n".join(kept)
                kept = []
            kept.append(" ".join(piece))
    if kept:
        yield "\n".join(kept)
