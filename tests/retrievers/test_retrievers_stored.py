"""Documents and strings in files: what comes back, and which repeats are found."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.documents import Document
from lottery_plugins.errors import DataError
from lottery_plugins.retrievers import stored_documents
from lottery_plugins.retrievers.stored_documents import StoredDocuments, documents_digest, write_documents
from lottery_plugins.retrievers.stored_strings import StoredStrings, write_strings
from lottery_plugins.testing.strategies import corpora

TEXTS = st.lists(st.text(st.characters(exclude_categories=[]), max_size=8), max_size=8)


@pytest.fixture(scope="module")
def new_folder(tmp_path_factory):
    return lambda: tmp_path_factory.mktemp("stored")


def stored(documents, folder):
    write_documents(enumerate(documents, start=1), "kb.jsonl", folder)
    return StoredDocuments(folder)


@given(texts=TEXTS)
def test_any_strings_come_back(new_folder, texts):
    folder = new_folder()
    write_strings(texts, folder, "s")
    strings = StoredStrings(folder, "s")
    assert list(strings) == texts
    assert strings[1:-1] == tuple(texts[1:-1])
    assert [strings[-i] for i in range(1, len(texts) + 1)] == texts[::-1]
    for outside in (len(texts), -len(texts) - 1):
        with pytest.raises(IndexError):
            strings[outside]


@given(corpus=corpora())
def test_any_documents_come_back_with_their_places_and_one_digest(new_folder, corpus):
    documents = stored(corpus, new_folder())
    assert tuple(documents) == corpus == documents[:]
    assert len(documents) == len(corpus)
    assert [documents.position(document.id) for document in corpus] == list(range(len(corpus)))
    assert documents.digest == documents_digest(documents) == documents_digest(corpus)
    with pytest.raises(KeyError):
        documents.position("nobody")


def test_digests_tell_apart_what_differs_in_a_place_only():
    first, second = Document("a", "bc", "d"), Document("ab", "c", "d")
    assert documents_digest([first]) != documents_digest([second])
    assert documents_digest([first, second]) != documents_digest([second, first])


@pytest.mark.parametrize("same_hash", [False, True])
def test_repeated_ids_are_found_by_their_lines_also_among_equal_hashes(monkeypatch, new_folder, same_hash):
    if same_hash:
        monkeypatch.setattr(stored_documents, "_short_hash", lambda id_: 7)
    ids = ["a", "b", "c", "b", "d"]
    assert stored([Document(i, "x") for i in "abcd"], new_folder()).position("c") == 2
    with pytest.raises(DataError, match=r"kb\.jsonl:4 repeats the id 'b' of line 2"):
        stored([Document(i, "x") for i in ids], new_folder())


def test_writing_and_reading_hold_little_in_memory(new_folder):
    folder = new_folder()
    text = "x" * 2_000
    tracemalloc.start()
    documents = stored((Document(f"d{i}", text) for i in range(5_000)), folder)
    assert documents[4_999].id == "d4999"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000  # a fifth of the texts
