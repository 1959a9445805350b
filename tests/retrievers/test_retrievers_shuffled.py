import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.assembly import assemble
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover
from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.shuffled import ShuffledIndex
from lottery_plugins.testing.fakes import fake_problem

BIRDS = ("heron", "egret", "stork", "crane", "ibis", "bittern")
DOCUMENTS = tuple(Document(f"d{i}", f"The {BIRDS[i % 6]} number {i} stands in the water.") for i in range(60))


@given(st.lists(st.sampled_from(BIRDS), min_size=1, max_size=3).map(" ".join), st.integers(1, 80))
def test_a_placebo_gives_as_many_other_documents_with_the_scores_of_the_real_ones(query, top_k):
    real = Bm25().build(DOCUMENTS)
    found, given_instead = real.search(query, top_k), ShuffledIndex(real, DOCUMENTS).search(query, top_k)
    others = [hit.document.id for hit in given_instead]
    assert set(others).isdisjoint(hit.document.id for hit in found)
    assert len(set(others)) == len(others) == min(len(found), len(DOCUMENTS) - len(found))
    assert [hit.score for hit in given_instead] == [hit.score for hit in found][: len(others)]
    assert given_instead == ShuffledIndex(real, DOCUMENTS).search(query, top_k)


def test_a_search_that_finds_nothing_gives_nothing():
    assert ShuffledIndex(Bm25().build(DOCUMENTS), DOCUMENTS).search("zebra", 3) == []
    assert ShuffledIndex(Bm25().build(()), ()).search("heron", 3) == []


def test_other_queries_get_other_documents():
    index = ShuffledIndex(Bm25().build(DOCUMENTS), DOCUMENTS)
    first, second = (tuple(hit.document.id for hit in index.search(f"heron {i}", 3)) for i in (1, 2))
    assert first != second


def assembled(**arguments):
    return assemble(RunConfig.parse({"reasoner": "retrieve-then-read", **arguments}), discover())


@pytest.mark.parametrize("retriever", ["bm25", "bm25+bm25:language=none"])
def test_a_run_with_shuffled_evidence_searches_a_placebo(retriever):
    problem = fake_problem(knowledge_base=DOCUMENTS)
    found = [assembled(retriever=retriever, evidence=e)._search().index_for(problem) for e in ("found", "shuffled")]
    asked = [[hit.document.text for hit in index.search("heron", 2)] for index in found]
    assert all("heron" in text for text in asked[0])
    assert len(asked[1]) == 2
    assert not any("heron" in text for text in asked[1])


def test_shuffled_evidence_without_documents_to_draw_from_is_refused():
    with pytest.raises(ConfigError, match="evidence: got 'shuffled'"):
        assemble(RunConfig.parse({"reasoner": "chain-of-thought", "evidence": "shuffled"}), discover())
