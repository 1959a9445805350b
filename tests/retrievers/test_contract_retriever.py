"""The retriever contract finds what it says it finds."""

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
        (with_search(ties_from_the_end), "ties with"),
        (with_search(first_come), "first"),
        (with_search(foreign), "not of the corpus"),
        (LosesWords, "in no chunk"),
        (NumbersWithoutZeros, "reading order"),
    ],
)
def test_what_is_wrong_is_named(retriever, problem):
    with pytest.raises(AssertionError, match=problem):
        check_retriever(retriever)
