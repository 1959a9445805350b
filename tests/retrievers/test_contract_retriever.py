"""The retriever contract finds what it says it finds."""

import json
from dataclasses import dataclass
from typing import ClassVar

import pytest

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.protocols.plugin import option
from lottery_plugins.testing.contracts.retriever import check_retriever

pytestmark = pytest.mark.usefixtures("looking_for_faults")


class CountingIndex:
    def __init__(self, documents):
        self.documents = list(documents)

    def search(self, query, top_k):
        words = set(query.lower().replace("?", " ").split())
        scored = [(len(words & set(d.as_text().lower().replace(".", " ").split())), d) for d in self.documents]
        hits = [ScoredDocument(d, float(score)) for score, d in scored if score]
        return sorted(hits, key=lambda hit: -hit.score)[:top_k]


@dataclass(frozen=True)
class SharedWords:
    name: ClassVar[str] = "shared-words"
    summary: ClassVar[str] = "Count shared words."
    searches: ClassVar[str] = "knowledge-base"
    index: ClassVar[type] = CountingIndex

    top_k: int = option(3, "documents")

    def build(self, documents):
        return self.index(documents)

    def chunks(self, context):
        return ()


def with_search(search):
    index = type("Index", (CountingIndex,), {"search": search})
    name = f"Retriever_{search.__name__}"
    globals()[name] = type(name, (SharedWords,), {"index": index, "__module__": __name__})  # where pickle finds it
    return globals()[name]


def too_many(self, query, top_k):
    return CountingIndex.search(self, query, top_k + 1)


def rising(self, query, top_k):
    hits = CountingIndex.search(self, query, top_k)
    return hits[:1] + hits[:0:-1]


def repeated(self, query, top_k):
    hits = CountingIndex.search(self, query, top_k)
    return (hits + hits[-1:])[:top_k] if len(hits) > 1 else hits


def ties_from_the_end(self, query, top_k):
    hits = CountingIndex.search(self, query, 10**6)
    return sorted(hits[::-1], key=lambda hit: -hit.score)[:top_k]


TiesFromTheEnd = with_search(ties_from_the_end)


def first_come(self, query, top_k):
    return [ScoredDocument(d, 1.0) for d in self.documents][:top_k]


def foreign(self, query, top_k):
    return [ScoredDocument(Document(h.document.id, "x"), h.score) for h in CountingIndex.search(self, query, top_k)]


class LosesWords(SharedWords):
    searches: ClassVar[str] = "prompt"

    def chunks(self, context):
        return tuple(Document(f"{i:05d}", line) for i, line in enumerate(context.split()[1:]))


class NumbersWithoutZeros(SharedWords):
    searches: ClassVar[str] = "prompt"

    def chunks(self, context):
        return tuple(Document(str(i), word) for i, word in enumerate(context.split()))


def test_a_sound_retriever_passes():
    check_retriever(SharedWords)


@pytest.mark.parametrize(
    ("retriever", "problem"),
    [
        (with_search(too_many), "results for top_k"),
        (with_search(rising), "scores rise|ties with"),
        (with_search(repeated), "came twice|the second time|scores"),
        (TiesFromTheEnd, "ties with"),
        (with_search(first_come), "first"),
        (with_search(foreign), "not of the corpus"),
        (LosesWords, "in no chunk"),
        (NumbersWithoutZeros, "reading order"),
    ],
)
def test_what_is_wrong_is_named(retriever, problem):
    with pytest.raises(AssertionError, match=problem):
        check_retriever(retriever)


@dataclass(frozen=True)
class WordsInFiles(SharedWords):
    """Keeps its documents in a file of its own, as an index may."""

    def index_version(self):
        return "1"

    def write_index(self, documents, folder):
        rows = [[d.id, d.text, d.title] for d in documents]
        (folder / "rows.json").write_text(json.dumps(rows))

    def open_index(self, documents, folder):
        return self.index([Document(*row) for row in json.loads((folder / "rows.json").read_text())])


class AnotherVersionEachTime(WordsInFiles):
    def index_version(self):
        return str(id(self))


class KeepsTheIndexInMemory(WordsInFiles):
    kept: ClassVar[dict] = {}

    def write_index(self, documents, folder):
        self.kept[folder] = self.build(documents)

    def open_index(self, documents, folder):
        return self.kept.get(folder) or self.build(())


class ForgetsTitles(WordsInFiles):
    def write_index(self, documents, folder):
        super().write_index([Document(d.id, d.text) for d in documents], folder)


class WritesWhenOpened(WordsInFiles):
    def open_index(self, documents, folder):
        (folder / "opened").touch()
        return super().open_index(documents, folder)


class TurnsTheOrderRound(WordsInFiles):
    def open_index(self, documents, folder):
        return self.index([*documents][::-1])


@dataclass(frozen=True)
class Doubled(SharedWords):
    """Made of two parts, which find the same."""

    def parts(self):
        return (SharedWords(), SharedWords())

    def fuse(self, documents, indexes):
        return indexes[0]


class FusesTheLastPartOnly(Doubled):
    def parts(self):
        return (SharedWords(), TiesFromTheEnd())

    def fuse(self, documents, indexes):
        return indexes[-1]


@pytest.mark.parametrize("retriever", [WordsInFiles, Doubled])
def test_sound_files_and_a_sound_composite_pass(retriever):
    check_retriever(retriever)


@pytest.mark.parametrize(
    ("retriever", "problem"),
    [
        (AnotherVersionEachTime, "index_version"),
        (KeepsTheIndexInMemory, "opened from files"),
        (ForgetsTitles, "opened from files"),
        (WritesWhenOpened, "changed the files"),
        (TurnsTheOrderRound, "opened from files"),
        (FusesTheLastPartOnly, "fused"),
    ],
)
def test_what_is_wrong_with_files_or_fusion_is_named(retriever, problem):
    with pytest.raises(AssertionError, match=problem):
        check_retriever(retriever)
