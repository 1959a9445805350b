import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.words import LANGUAGES

RIVERS = tuple(
    Document(*fields)
    for fields in (
        ("a", "The river Nith crosses the town."),
        ("b", "Two rivers meet: the Nith and the Cairn. The rivers flood."),
        ("c", "A town without water."),
    )
)


def ids(hits):
    return [hit.document.id for hit in hits]


def test_endings_and_stop_words_do_not_matter():
    index = Bm25().build(RIVERS)
    assert ids(index.search("the RIVERS", 5)) == ids(index.search("river", 5)) == ["b", "a"]
    assert index.search("the of and", 5) == []


def test_without_a_language_words_count_as_they_are():
    assert ids(Bm25(language="none").build(RIVERS).search("river", 5)) == ["a"]
    assert ids(Bm25(language="none").build(RIVERS).search("without", 5)) == ["c"]


def test_documents_that_share_no_word_are_left_out():
    assert ids(Bm25().build(RIVERS).search("water castle", 5)) == ["c"]
    assert Bm25().build(RIVERS).search("castle", 5) == []
    assert Bm25().build(RIVERS).search("", 5) == []


def test_more_results_than_documents_can_be_asked_for():
    assert len(Bm25().build(RIVERS).search("river town water", 1000)) == 3


@pytest.mark.parametrize("documents", [(), (Document("a", ""),), (Document("a", "the"), Document("b", "!?"))])
def test_a_corpus_without_words_finds_nothing(documents):
    assert Bm25().build(documents).search("river", 3) == []


def test_titles_are_searched():
    documents = (Document("a", "It is long."), Document("b", "It is long.", title="Danube"))
    assert ids(Bm25().build(documents).search("danube", 3)) == ["b"]


def test_single_digits_and_letters_are_words():
    documents = (Document("a", "Room 7 is blue."), Document("b", "Room 8 is red."))
    assert ids(Bm25().build(documents).search("room 8", 1)) == ["b"]


def test_ties_come_in_order_of_the_corpus_also_when_they_are_cut():
    documents = tuple(Document(f"d{i}", "same words here") for i in range(50))
    assert ids(Bm25().build(documents).search("words", 7)) == [f"d{i}" for i in range(7)]


def test_scores_are_those_of_the_formula():
    k1, b = 1.2, 0.5
    texts = ["apple pear", "apple apple plum", "kiwi"]
    index = Bm25(k1=k1, b=b).build([Document(str(i), text) for i, text in enumerate(texts)])
    mean_length = 2
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = {"0": (1, 2), "1": (2, 3)}
    for hit in index.search("apple", 3):
        count, length = expected[hit.document.id]
        score = idf * count / (count + k1 * (1 - b + b * length / mean_length))
        assert hit.score == pytest.approx(score, rel=1e-5)


@given(texts=st.lists(st.lists(st.sampled_from(["ox", "elk", "yak", "emu"]), max_size=5).map(" ".join), max_size=10))
def test_exactly_the_documents_with_a_word_of_the_query_are_found(texts):
    index = Bm25().build([Document(str(i), text) for i, text in enumerate(texts)])
    found = set(ids(index.search("elk yak", 100)))
    assert found == {str(i) for i, text in enumerate(texts) if {"elk", "yak"} & set(text.split())}


def test_two_documents_with_one_id_are_refused():
    with pytest.raises(DataError, match="two documents with the id 'a'"):
        Bm25().build([Document("a", "x"), Document("a", "y")])


def test_half_a_surrogate_pair_is_searched_for_in_vain():
    assert Bm25().build([Document("a", "\ud800 river")]).search("\ud800 \udfff", 3) == []


def test_threads_share_one_index():
    documents = [Document(str(i), f"word{i} common rivers") for i in range(200)]
    index = Bm25().build(documents)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: ids(index.search(f"word{i} running", 1)), range(200)))
    assert found == [[str(i)] for i in range(200)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_what_it_needs(language):
    assert ids(Bm25(language=language).build([Document("a", "zebra"), Document("b", "otto")]).search("zebra", 1)) == [
        "a"
    ]


@pytest.mark.parametrize("options", [{"top_k": 0}, {"k1": -1.0}, {"b": 1.5}, {"b": math.nan}, {"language": "klingon"}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match="bm25"):
        Bm25(**options)


def test_a_misspelt_language_gets_a_suggestion():
    with pytest.raises(ConfigError, match="Did you mean 'english'"):
        Bm25(language="englsh")


def test_nothing_is_printed(capfd):
    Bm25().build(RIVERS).search("river", 2)
    assert capfd.readouterr() == ("", "")
