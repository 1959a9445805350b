"""Tokens as lm-eval's `hf` makes them, without the model."""

import pytest
from lm_eval.models.huggingface import HFLM

from lottery_plugins.backends.codec import HarnessCodec
from lottery_plugins.backends.tokenizer_lm import TokenizerLM
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.messages import Message


@pytest.fixture(scope="module")
def models(tiny_model):
    return TokenizerLM(tiny_model), HFLM(pretrained=tiny_model, device="cpu", dtype="float32")


@pytest.mark.parametrize("text", ["The Lumen Bridge", " is", "<eos>begun", "naïve 不在", "ends in spaces  "])
def test_tokens_are_those_of_hf(models, text):
    mine, real = models
    assert mine.tok_encode(text) == real.tok_encode(text)
    assert mine._encode_pair(text, " long") == real._encode_pair(text, " long")
    ids = real.tok_encode(text)
    assert mine.tok_decode(ids) == real.tok_decode(ids)


def test_what_the_engine_needs_is_that_of_hf(models):
    mine, real = models
    for name in ("max_length", "prefix_token_id", "eot_token_id", "max_gen_toks"):
        assert getattr(mine, name) == getattr(real, name), name


@pytest.mark.parametrize("is_chat", [False, True])
def test_its_codec_is_that_of_hf(models, is_chat):
    mine, real = (HarnessCodec(lm, is_chat=is_chat) for lm in models)
    turns = [Message("user", "How long?"), Message("assistant", "It is")]
    assert mine.render(turns) == real.render(turns)
    assert mine.render(turns[:1]) == real.render(turns[:1])
    assert (mine.end_ids, mine.special_ids) == (real.end_ids, real.special_ids)
    assert list(mine.token_bytes) == list(real.token_bytes)


def test_it_answers_nothing(models):
    for method in ("generate_until", "loglikelihood", "loglikelihood_rolling"):
        with pytest.raises(ConfigError, match=method):
            getattr(models[0], method)([])


def test_a_folder_without_a_checkpoint_is_named(tmp_path):
    with pytest.raises(DataError, match=str(tmp_path)):
        TokenizerLM(str(tmp_path))
