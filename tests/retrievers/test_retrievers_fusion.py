"""Reciprocal-rank fusion, by hand and in general."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.retriever import CompositeRetriever
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.fusion import FusedIndex, Fusion
from lottery_plugins.retrievers.prompt import Prompt
from lottery_plugins.retrievers.stored_documents import StoredDocuments, write_documents
from lottery_plugins.testing.contracts.retriever import check_retriever
from lottery_plugins.testing.strategies import corpora, queries

LETTERS = tuple(Document(letter, f"text {letter}") for letter in "abcdef")


@dataclass(frozen=True)
class Fixed:
    """An index that always finds the same letters, in this order."""

    letters: str

    def search(self, query, top_k):
        by_id = {document.id: document for document in LETTERS}
        found = [ScoredDocument(by_id[letter], 100.0 - i) for i, letter in enumerate(self.letters)]
        return found[:top_k]


def fused(*letters, **options):
    return Fusion((Bm25(),) * len(letters), **options).fuse(LETTERS, [Fixed(part) for part in letters])


def test_scores_are_those_of_the_paper():
    hits = fused("abc", "bd").search("", 10)
    assert [hit.document.id for hit in hits] == ["b", "a", "d", "c"]
    assert [hit.score for hit in hits] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62, 1 / 63], rel=1e-12)


def test_ties_come_in_order_of_the_corpus():
    assert [hit.document.id for hit in fused("fa", "bc").search("", 4)] == ["b", "f", "a", "c"]


def test_depth_cuts_each_list_unless_more_is_asked_for():
    index = fused("abcd", "dcba", depth=2)
    assert {hit.document.id for hit in index.search("", 2)} <= set("abcd")
    assert [hit.document.id for hit in index.search("", 1)] == ["a"]  # a and d are both first once
    assert len(index.search("", 4)) == 4


def test_weights_and_k_move_the_order():
    assert fused("a", "b", weights=(1.0, 2.0)).search("", 1)[0].document.id == "b"
    flat, steep = fused("abcde", "cdeba", k=1000), fused("abcde", "cdeba", k=0)
    assert flat.search("", 1)[0].document.id == "c"
    assert steep.search("", 1)[0].score == pytest.approx(1 / 3 + 1)


@given(lists=st.lists(st.permutations("abcdef").map("".join), min_size=2, max_size=4), data=st.data())
def test_the_order_of_retrievers_does_not_matter(lists, data):
    shuffled = data.draw(st.permutations(lists))
    assert fused(*lists).search("", 6) == fused(*shuffled).search("", 6)


@given(corpus=corpora(), query=queries(), top_k=st.integers(1, 20))
def test_a_retriever_fused_with_itself_finds_what_it_finds_alone(corpus, query, top_k):
    alone = Bm25().build(corpus).search(query, top_k)
    both = Fusion((Bm25(), Bm25())).build(corpus).search(query, top_k)
    assert [hit.document for hit in both] == [hit.document for hit in alone]


def test_stored_documents_give_the_same_order(tmp_path):
    write_documents(enumerate(LETTERS), "kb", tmp_path)
    stored = Fusion((Bm25(), Bm25())).fuse(StoredDocuments(tmp_path), [Fixed("fa"), Fixed("bc")])
    assert isinstance(stored, FusedIndex)
    assert stored.search("", 4) == fused("fa", "bc").search("", 4)


def test_what_is_searched_must_be_the_same():
    with pytest.raises(ConfigError, match=r"bm25\+prompt.*bm25 a knowledge-base, prompt a prompt"):
        Fusion((Bm25(), Prompt()))
    with pytest.raises(ConfigError, match="cut the prompt alike"):
        Fusion((Prompt(), Prompt(chunk_words=7, overlap_words=0)))
    both = Fusion((Prompt(top_k=2), Prompt(top_k=7, k1=0.0)))
    assert (both.searches, both.top_k) == ("prompt", 7)
    assert both.chunks("One. Two.") == Prompt().chunks("One. Two.")


@dataclass(frozen=True)
class WordsTwice(Bm25):
    """`bm25` with and without stems, as a plugin would fuse them."""

    name: ClassVar[str] = "words-twice"

    def __post_init__(self):
        object.__setattr__(self, "_fusion", Fusion((Bm25(), Bm25(language="none"))))

    def build(self, documents):
        return self._fusion.build(documents)

    def parts(self):
        return self._fusion.parts()

    def fuse(self, documents, indexes):
        return self._fusion.fuse(documents, indexes)

    write_index = open_index = index_version = None


def test_a_fusion_keeps_the_contract_of_retrievers():
    assert isinstance(Fusion((Bm25(),)), CompositeRetriever)
    check_retriever(WordsTwice)


def test_retrievers_that_bring_their_own_documents_are_not_fused():
    class Outside(Bm25):
        searches = "outside"

    with pytest.raises(ConfigError, match="bring their own"):
        Fusion((Outside(), Outside()))
    assert Fusion((Outside(),)).searches == "outside"
