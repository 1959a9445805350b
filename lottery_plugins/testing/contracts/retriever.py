"""What every retriever keeps.

from lottery_plugins.testing.contracts.retriever import check_retriever

def test_contract():
    check_retriever(Bm25)
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lottery_plugins.documents import Document, ScoredDocument
from lottery_plugins.protocols.retriever import CompositeRetriever, Index, PersistentRetriever, Retriever
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.retriever_files import check_composition, check_persistence
from lottery_plugins.testing.strategies import contexts, corpora, queries

__all__ = ["check_outside_retriever", "check_retriever"]

TOWNS = (
    Document("lake", "The heron nests by the lake and eats small fish."),
    Document("tower", "The clock tower was built of red brick.", title="Town hall"),
    Document("baker", "The baker sells rye bread before sunrise."),
)
ASKED = (
    ("Who sells bread?", "baker"),
    ("What is the clock tower built of?", "tower"),
    ("What does the heron eat?", "lake"),
)


LONG = " ".join(f"word{i}" for i in range(120))
"""A context of more than ten chunks of one word, so that ids like "10" meet "9" whatever Hypothesis draws."""


def check_retriever(retriever_class: type, *, options: Mapping[str, Any] | None = None) -> None:
    """Check a retriever class.

    Args:
        retriever_class: The class.
        options: The options to use.

    Raises:
        AssertionError: With what is wrong.
    """
    options = dict(options or {})
    check_plugin(retriever_class, **options)
    retriever = retriever_class(**options)
    assert isinstance(retriever, Retriever), (
        f"{retriever_class.__name__} lacks a member of protocols.retriever.Retriever"
    )
    assert retriever.searches in ("knowledge-base", "prompt"), f"searches is {retriever.searches!r}"
    assert retriever.top_k >= 1, f"top_k is {retriever.top_k}"
    _check_finds(retriever)
    _check_any_search(retriever)
    _check_threads(retriever)
    if retriever.searches == "prompt":
        _check_chunks(retriever)
    if isinstance(retriever, PersistentRetriever):
        check_persistence(retriever, retriever_class(**options))
    if isinstance(retriever, CompositeRetriever):
        check_composition(retriever)


def check_outside_retriever(retriever: Retriever, *, good_queries: Sequence[tuple[str, str]]) -> None:
    """Check a retriever that brings its own documents (`searches` is "outside").

    Args:
        retriever: The retriever.
        good_queries: Queries that find something, each with a text that must be part of the first document. At least
            one.

    Raises:
        AssertionError: With what is wrong.
    """
    assert good_queries, "the check needs at least one good query"
    assert isinstance(retriever, Retriever), (
        f"{type(retriever).__name__} lacks a member of protocols.retriever.Retriever"
    )
    assert retriever.searches == "outside", f"searches is {retriever.searches!r}; check_retriever is for that"
    assert retriever.top_k >= 1, f"top_k is {retriever.top_k}"
    index = retriever.build(())
    assert isinstance(index, Index), "build gave something without `search`"
    for query, expected in good_queries:
        hits = index.search(query, 3)
        assert hits, f"{query!r} found nothing"
        shown = hits[0].document.as_text()
        assert expected in shown, f"{query!r} found first {shown!r}, which does not contain {expected!r}"

    @settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
    @given(query=st.sampled_from([query for query, _ in good_queries]) | queries(), top_k=st.integers(1, 20))
    def any_search(query: str, top_k: int) -> None:
        hits = index.search(query, top_k)
        _check_ranking(hits, top_k)
        assert list(index.search(query, top_k)) == list(hits), f"{query!r} gave other results the second time"

    any_search()


def _check_finds(retriever: Retriever) -> None:
    """An easy question finds its document first, whatever the order of the corpus."""
    for documents in (TOWNS, TOWNS[::-1]):
        index = retriever.build(documents)
        assert isinstance(index, Index), "build gave something without `search`"
        for question, wanted in ASKED:
            found = [hit.document.id for hit in index.search(question, 2)]
            assert found[:1] == [wanted], f"{question!r} found {found}, not {wanted!r} first"
        for top_k in (1, 2, 100):
            for query in ("rye bread sunrise lake fish clock", "bread tower heron"):
                _check_hits(index.search(query, top_k), documents, top_k)
    assert list(retriever.build(()).search("bread", 3)) == [], "an empty corpus gave results"


def _check_any_search(retriever: Retriever) -> None:
    @settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
    @given(corpus=corpora(), query=queries(), top_k=st.integers(1, 20))
    def any_search(corpus: Sequence[Document], query: str, top_k: int) -> None:
        index = retriever.build(corpus)
        hits = index.search(query, top_k)
        _check_hits(hits, corpus, top_k)
        assert list(index.search(query, top_k)) == list(hits), f"{query!r} gave other results the second time"
        assert list(retriever.build(corpus).search(query, top_k)) == list(hits), "a second index gave other results"

    any_search()


def _check_hits(hits: Sequence[ScoredDocument], corpus: Sequence[Document], top_k: int) -> None:
    place = {document.id: i for i, document in enumerate(corpus)}
    _check_ranking(hits, top_k)
    for hit in hits:
        assert hit.document in corpus, f"{hit.document.id!r} is not of the corpus"
    for better, worse in itertools.pairwise(hits):
        in_order = better.score > worse.score or place[better.document.id] < place[worse.document.id]
        assert in_order, f"{worse.document.id!r} ties with {better.document.id!r} and comes first in the corpus"


def _check_ranking(hits: Sequence[ScoredDocument], top_k: int) -> None:
    ids = [hit.document.id for hit in hits]
    assert len(hits) <= top_k, f"{len(hits)} results for top_k={top_k}"
    assert len(set(ids)) == len(ids), f"a document came twice: {ids}"
    for hit in hits:
        assert hit.score == hit.score, f"the score of {hit.document.id!r} is not a number"
    for better, worse in itertools.pairwise(hits):
        assert better.score >= worse.score, f"scores rise from {better.score} to {worse.score}"


def _check_threads(retriever: Retriever) -> None:
    """One index, four threads at once, the same results as alone."""
    index = retriever.build(TOWNS)
    alone = [index.search(question, 3) for question, _ in ASKED]
    start = threading.Barrier(4)

    def work(_: int) -> bool:
        start.wait(timeout=30)
        return all([index.search(question, 3) for question, _ in ASKED] == alone for _ in range(25))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4))), "threads got different results"


def _check_chunks(retriever: Retriever) -> None:
    @settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False)
    @given(context=contexts())
    def any_context(context: str) -> None:
        _check_chunks_of(retriever, context)

    _check_chunks_of(retriever, LONG)
    any_context()
    assert list(retriever.chunks("")) == [], "an empty context gave chunks"


def _check_chunks_of(retriever: Retriever, context: str) -> None:
    chunks = list(retriever.chunks(context))
    ids = [chunk.id for chunk in chunks]
    assert len(set(ids)) == len(ids), f"a chunk id came twice: {ids}"
    assert ids == sorted(ids), f"ids do not sort in reading order: {ids}"
    assert all(chunk.text.strip() for chunk in chunks), "a chunk is blank"
    missing = set(context.split()) - {word for chunk in chunks for word in chunk.text.split()}
    assert not missing, f"words of the context are in no chunk: {sorted(missing)[:5]}"
