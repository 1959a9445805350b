"""A run's knowledge base: what is kept, for whom, and that it answers as one in memory does."""

import gzip
import json
import logging
import math

import pytest

from lottery_plugins.assembly import assemble
from lottery_plugins.config import RunConfig
from lottery_plugins.discovery import discover
from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.folders import index_folder
from lottery_plugins.retrievers import postings
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.fusion import Fusion
from lottery_plugins.retrievers.indexes import Indexes
from lottery_plugins.retrievers.knowledge import Knowledge
from lottery_plugins.retrievers.prompt import Prompt
from lottery_plugins.retrievers.stored_documents import StoredDocuments
from lottery_plugins.testing.fakes import fake_problem

TOWNS = [{"id": f"d{i}", "title": f"Town {i}", "text": f"The river Nith{i % 7} floods town {i}."} for i in range(300)]


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "kb.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in TOWNS))
    return file


@pytest.fixture
def knowledge(tmp_path):
    return Knowledge.kept_in(tmp_path / "indexes")


def kept(knowledge, kind):
    return sorted(p.name for p in knowledge.cache.root.iterdir() if p.is_dir() and p.name.startswith(kind))


def test_documents_are_kept_by_the_content_of_the_file(knowledge, path):
    documents = knowledge.documents(path)
    assert isinstance(documents, StoredDocuments)
    assert documents == knowledge.documents(path)
    assert tuple(documents) == Knowledge(None).documents(path)
    path.touch()
    knowledge.documents(path)
    assert len(kept(knowledge, "documents-")) == 1
    path.write_text('{"text": "another"}')
    assert knowledge.documents(path)[0] == Document("line-1", "another")
    assert len(kept(knowledge, "documents-")) == 2


@pytest.mark.parametrize("block_words", [1, 50, 10**6])
@pytest.mark.parametrize("query", ["river nith3", "town 17 floods", "Nith1 Nith1 Nith2", "castle", ""])
def test_an_index_in_files_finds_what_one_in_memory_finds(monkeypatch, knowledge, path, query, block_words):
    monkeypatch.setattr(postings, "_BLOCK_WORDS", block_words)
    documents = knowledge.documents(path)
    wanted = Bm25().build(tuple(documents)).search(query, 9)
    assert knowledge.index(Bm25(), documents).search(query, 9) == wanted
    assert knowledge.index(Bm25(), documents).search(query, 9) == wanted


def test_indexes_are_kept_by_options_that_change_them(knowledge, path):
    documents = knowledge.documents(path)
    for retriever in (Bm25(), Bm25(top_k=9), Bm25(), Bm25(k1=1.0), Bm25(language="none")):
        knowledge.index(retriever, documents)
    assert len(kept(knowledge, "bm25-")) == 3


def test_the_same_documents_in_another_file_share_an_index(knowledge, path, tmp_path):
    packed = tmp_path / "kb.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, packed):
        knowledge.index(Bm25(), knowledge.documents(file))
    assert (len(kept(knowledge, "documents-")), len(kept(knowledge, "bm25-"))) == (2, 1)


def test_a_fusion_keeps_the_indexes_of_its_parts(knowledge, path):
    documents = knowledge.documents(path)
    fusion = Fusion((Bm25(), Bm25(language="none")))
    index = knowledge.index(fusion, documents)
    assert len(kept(knowledge, "bm25-")) == 2
    assert index.search("river nith3", 5) == fusion.build(tuple(documents)).search("river nith3", 5)
    knowledge.index(Bm25(), documents)
    assert len(kept(knowledge, "bm25-")) == 2


def test_a_damaged_index_is_built_again_and_answers_the_same(knowledge, path, caplog):
    documents = knowledge.documents(path)
    wanted = knowledge.index(Bm25(), documents).search("river nith3", 5)
    (name,) = kept(knowledge, "bm25-")
    scores = knowledge.cache.root / name / "scores.npy"
    data = bytearray(scores.read_bytes())
    data[-3] ^= 0xFF
    scores.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert knowledge.index(Bm25(), documents).search("river nith3", 5) == wanted
    assert [record.getMessage().count("scores.npy has changed") for record in caplog.records] == [1]


def test_where_nothing_can_be_kept_all_stays_in_memory_with_a_sentence(tmp_path, path, caplog):
    (tmp_path / "taken").touch()
    knowledge = Knowledge.kept_in(tmp_path / "taken" / "indexes")
    with caplog.at_level(logging.WARNING):
        documents = knowledge.documents(path)
        index = knowledge.index(Bm25(), documents)
    assert index.search("river nith3", 5) == Bm25().build(documents).search("river nith3", 5)
    assert [
        ("can't be written" in r.getMessage(), "LOTTERY_INDEX_CACHE" in r.getMessage()) for r in caplog.records
    ] == [(True, True)] * 2


@pytest.mark.parametrize("folder", [None, "indexes"])
def test_bad_files_are_refused_alike_with_and_without_a_cache(tmp_path, folder):
    knowledge = Knowledge.kept_in(folder and tmp_path / folder)
    path = tmp_path / "kb.jsonl"
    with pytest.raises(DataError, match="does not exist"):
        knowledge.documents(path)
    for text, problem in (
        ("", "is an empty knowledge base"),
        ('{"text": "a"}\n{"text"', r"kb\.jsonl:2 is not valid JSON"),
        ('{"id": "a", "text": "a"}\n{"id": "a", "text": "b"}', r"kb\.jsonl:2 repeats the id 'a' of line 1"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=problem):
            knowledge.documents(path)


def test_the_environment_moves_the_cache_or_switches_it_off(monkeypatch, tmp_path):
    monkeypatch.setenv("LOTTERY_INDEX_CACHE", "off")
    assert index_folder() is None
    monkeypatch.setenv("LOTTERY_INDEX_CACHE", str(tmp_path))
    assert index_folder() == tmp_path
    monkeypatch.delenv("LOTTERY_INDEX_CACHE")
    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "all"))
    assert index_folder() == tmp_path / "all" / "indexes"


def assembled(**arguments):
    return assemble(RunConfig.parse({"reasoner": "retrieve-then-read", **arguments}), discover())


def found(assembly, problem, query):
    index = assembly._search().index_for(problem)
    return [hit.document.id for hit in index.search(query, 3)]


def test_a_run_searches_its_own_knowledge_base_through_the_cache(monkeypatch, tmp_path, path):
    monkeypatch.setenv("LOTTERY_INDEX_CACHE", str(tmp_path / "kept"))
    assembly = assembled(retriever="bm25", knowledge_base=str(path))
    assert len(list((tmp_path / "kept").glob("bm25-*/scores.npy"))) == 1  # before any problem's time runs
    problem = fake_problem(knowledge_base=(Document("own", "river nith3"),))
    assert found(assembly, problem, "town 17") == ["d17", "d0", "d1"]
    assert assembly._search().has_documents(fake_problem())


def test_documents_of_a_problem_stay_in_memory(monkeypatch, tmp_path):
    monkeypatch.setenv("LOTTERY_INDEX_CACHE", str(tmp_path / "kept"))
    assembly = assembled(retriever="bm25+bm25:language=none")
    assert found(assembly, fake_problem(knowledge_base=(Document("own", "river nith3"),)), "river") == ["own"]
    assert not assembly._search().has_documents(fake_problem())
    assert not (tmp_path / "kept").exists()


def test_problems_with_the_same_documents_share_an_index():
    indexes = Indexes(Bm25(), (), Knowledge(None))
    first, second = (fake_problem(knowledge_base=(Document("a", "x"),), doc_id=i) for i in range(2))
    assert indexes.index_for(first) is indexes.index_for(second)
    by_prompt = Indexes(Prompt(), (), Knowledge(None))
    assert by_prompt.has_documents(fake_problem(context="A heron."))
    assert not by_prompt.has_documents(first)
    assert by_prompt.index_for(fake_problem(context="A heron.")).search("heron", 1)[0].document.text == "A heron."


def test_several_retrievers_are_one_that_names_them_all():
    assembly = assembled(retriever="bm25:top_k=2+bm25:language=none:top_k=5")
    assert isinstance(assembly.retriever, Fusion)
    search = assembly._search()
    assert (search.top_k, search.name) == (5, "bm25:top_k=2+bm25:language=none:top_k=5")
    assert assembly.config.describe()["retriever"] == search.name
    assert isinstance(assembled(retriever="bm25").retriever, Bm25)
    with pytest.raises(ConfigError, match="search the same"):
        assembled(retriever="bm25+prompt")


def test_scores_are_to_the_bit_those_of_bm25s():
    import bm25s
    import numpy as np

    from lottery_plugins.retrievers.words import Numbering, Words

    numbering = Numbering(Words("english"))
    rows = [numbering.of(row["text"] * (1 + i % 3)) for i, row in enumerate(TOWNS)]
    reference = bm25s.BM25(k1=1.3, b=0.6, method="lucene", backend="numpy")
    reference.index((rows, numbering.numbers), create_empty_token=False, show_progress=False)
    ours = postings.build_postings(rows, k1=1.3, b=0.6, arrays=postings.Arrays())
    for word in range(len(numbering.numbers)):
        assert np.array_equal(ours.total([word]), reference.get_scores_from_ids([word]))
    every = list(range(len(numbering.numbers)))
    assert np.array_equal(ours.total(every), reference.get_scores_from_ids(every))
    assert math.isclose(float(ours.total(every).sum()), float(ours.scores.sum()), rel_tol=1e-4)
