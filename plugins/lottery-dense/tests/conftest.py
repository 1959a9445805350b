"""A model of a few kilobytes that behaves as a real one does: each word has a random vector, a text their mean."""

import os

import pytest

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

WORDS = (
    "heron nests lake eats small fish clock tower built red brick town hall baker sells rye bread before sunrise "
    "eat river rivers bridge bridges mayor anna 1973 7 mail cat kitten dog who what does is the of and by"
)


@pytest.fixture(scope="session")
def word_model(tmp_path_factory):
    """The folder of the model. Words that it does not know count as one and the same."""
    pytest.importorskip("sentence_transformers")
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {word: i for i, word in enumerate(["[UNK]", *WORDS.split()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    vectors = torch.randn(len(vocabulary), 32, generator=torch.Generator().manual_seed(0))
    common = [vocabulary[word] for word in ("who", "what", "does", "is", "the", "of", "and", "by", "[UNK]")]
    vectors[common] *= 0.1  # as in trained models, words that say little move a text little
    vectors[vocabulary["kitten"]] = vectors[vocabulary["cat"]] + 0.1 * vectors[vocabulary["kitten"]]
    vectors[vocabulary["eat"]] = vectors[vocabulary["eats"]]
    folder = tmp_path_factory.mktemp("word_model")
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=vectors)], device="cpu").save(str(folder))
    return str(folder)


@pytest.fixture(autouse=True)
def _no_cache_of_the_callers(monkeypatch):
    monkeypatch.setenv("LOTTERY_INDEX_CACHE", "off")
