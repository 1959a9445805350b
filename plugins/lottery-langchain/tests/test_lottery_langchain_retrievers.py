"""LangChain retrievers as ours: documents, ids, scores."""

import pytest

pytest.importorskip("langchain_core")

import langchain_entries
from langchain_core.documents import Document as TheirDocument
from lottery_langchain import LangChainIndex, LangChainRetriever, NamedIndex, NamedRetriever

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.retriever import check_outside_retriever, check_retriever

TOWNS = (Document("a", "The heron nests by the lake."), Document("b", "The tower is of red brick.", "Town hall"))


def test_an_index_built_from_the_knowledge_base_keeps_the_contract_of_retrievers():
    check_retriever(NamedIndex, options={"entry": "langchain_entries:index"})


def test_a_retriever_with_its_own_documents_keeps_the_contract_of_such_retrievers():
    check_plugin(NamedRetriever, entry="langchain_entries:retriever")
    check_outside_retriever(
        NamedRetriever("langchain_entries:retriever"), good_queries=[("red brick", "clock tower"), ("heron", "Heron\n")]
    )


@pytest.mark.parametrize("entry", ["retriever", "make_retriever", "TakesNoNumber"])
def test_an_entry_is_a_retriever_or_what_makes_one(entry):
    found = NamedRetriever(f"langchain_entries.{entry}").build(()).search("the red brick", 2)
    assert len(found) == 2


def test_documents_keep_their_title_and_id_or_get_one_that_stays():
    index = LangChainRetriever(langchain_entries.retriever).build(())
    (heron,) = index.search("heron", 3)
    (tower,) = index.search("tower", 3)
    assert (heron.document.title, tower.document.title) == ("Heron", "")
    assert tower.document.id == "tower"
    assert heron.document.id == index.search("lake", 1)[0].document.id == "sha256-" + heron.document.id[7:]
    assert len(heron.document.id) == 23


def test_scores_are_ranks_where_the_retriever_gives_none():
    found = LangChainRetriever(langchain_entries.retriever).build(()).search("the red brick", 3)
    assert [hit.score for hit in found] == [1.0, 1 / 2, 1 / 3]


def test_scores_are_those_of_a_metadata_field_when_it_is_named():
    retriever = LangChainRetriever(langchain_entries.retriever, score_field="rating")
    found = retriever.build(()).search("the red brick", 3)
    assert [hit.score for hit in found] == [3.0, 2.0, 1.0]


@pytest.mark.parametrize("value", [None, "0.5", True, float("nan")])
def test_a_field_that_holds_no_score_is_an_error(value):
    documents = [TheirDocument(page_content="heron", metadata={"rating": value} if value is not None else {})]
    retriever = LangChainRetriever(langchain_entries.SharedWords(documents=documents), score_field="rating")
    with pytest.raises(DataError, match="metadata field 'rating' is"):
        retriever.build(()).search("heron", 1)


def test_a_retriever_that_takes_no_number_is_cut_and_repeats_are_dropped():
    index = LangChainRetriever(langchain_entries.TakesNoNumber()).build(())
    assert len(index.search("anything", 2)) == 2
    assert len({hit.document.id for hit in index.search("anything", 9)}) == 3


def test_more_documents_than_the_retriever_gives_by_itself_can_be_asked_for():
    index = LangChainRetriever(langchain_entries.SharedWords(documents=langchain_entries.ENTRIES, k=1)).build(())
    assert len(index.search("the", 3)) == 3


def test_a_retriever_with_an_asynchronous_method_only_is_asked_by_it():
    assert len(LangChainRetriever(langchain_entries.OnlyAsynchronous()).build(()).search("x", 3)) == 3
    with pytest.raises(NotImplementedError):
        LangChainRetriever(langchain_entries.NotImplementedAtAll()).build(()).search("x", 3)


@pytest.mark.parametrize("query", ["", " \n", "\ud800"])
def test_a_query_without_a_word_finds_nothing(query):
    assert LangChainRetriever(langchain_entries.retriever).build(()).search(query, 3) == []


def test_documents_that_would_not_be_searched_are_refused():
    with pytest.raises(ConfigError, match="langchain-index builds a retriever from"):
        NamedRetriever("langchain_entries:retriever").build(TOWNS)


def test_an_index_is_built_from_a_function_and_gives_our_documents():
    index = LangChainIndex(langchain_entries.index).build(TOWNS)
    assert index.search("red brick tower", 1)[0].document is TOWNS[1]
    assert index.search("hall", 1)[0].document is TOWNS[1]


def test_pieces_of_a_document_stand_for_the_whole():
    def split(documents):
        pieces = [TheirDocument(page_content=w, metadata=d.metadata) for d in documents for w in d.page_content.split()]
        return langchain_entries.SharedWords(documents=pieces)

    found = LangChainIndex(split).build(TOWNS).search("the red tower", 9)
    assert [hit.document.id for hit in found] == ["a", "b"]


def test_documents_that_are_not_of_the_knowledge_base_are_an_error():
    with pytest.raises(DataError, match="must keep the metadata field 'lottery_id'"):
        NamedIndex("langchain_entries:forgets_ids").build(TOWNS).search("heron", 1)


@pytest.mark.parametrize(
    ("cls", "entry", "reason"),
    [
        (NamedRetriever, "langchain_entries:STORE", "a langchain_core.retrievers.BaseRetriever"),
        (NamedRetriever, "langchain_entries:nothing", "an attribute that langchain_entries has"),
        (NamedIndex, "langchain_entries:NOT_A_TOOL", "a function from a list of LangChain documents"),
        (NamedIndex, "langchain_entries:len", "an attribute"),
    ],
)
def test_an_entry_without_a_retriever_is_one_clear_sentence(cls, entry, reason):
    with pytest.raises(ConfigError, match=reason):
        cls(entry).build(TOWNS if cls is NamedIndex else ())


@pytest.mark.parametrize("cls", [NamedIndex, NamedRetriever])
def test_a_number_of_documents_below_one_is_refused(cls):
    with pytest.raises(ConfigError, match="top_k: got 0"):
        cls("langchain_entries:index", top_k=0)


def test_what_is_no_retriever_is_refused():
    with pytest.raises(ConfigError, match="as_retriever"):
        LangChainRetriever(langchain_entries.STORE)
