"""Compressed models inside lm-eval's own Hugging Face model: how the harness uses them."""

import pytest

from lottery_plugins.compression import Int4, Int8, KeyNorm, StreamingLLM, Wanda
from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.testing.contracts.compression import tiny_calibration, tiny_model

PROMPTS = ["a longer prompt than the others", "short", "in between them", "x"]


@pytest.fixture(scope="module")
def harness_model():
    """lm-eval's `hf` around the tiny model, one token per letter."""
    huggingface = pytest.importorskip("lm_eval.models.huggingface")
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {"<pad>": 0, "<s>": 1, "</s>": 2, **{chr(code): code for code in range(32, 127)}}
    inner = Tokenizer(models.WordLevel(letters, unk_token="<pad>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, **special)
    return huggingface.HFLM(pretrained=tiny_model(), tokenizer=tokenizer, max_length=128)


def generate(harness_model, batch_size):
    from lm_eval.api.instance import Instance

    options = {"until": ["\n"], "max_gen_toks": 8, "do_sample": False}
    requests = [Instance("generate_until", {}, (prompt, options), i) for i, prompt in enumerate(PROMPTS)]
    harness_model.batch_size_per_gpu = batch_size
    return harness_model.generate_until(requests, disable_tqdm=True)


def log_likelihood(harness_model):
    from lm_eval.api.instance import Instance

    requests = [Instance("loglikelihood", {}, (prompt, " yes"), i) for i, prompt in enumerate(PROMPTS)]
    harness_model.batch_size_per_gpu = 4  # another one rounds differently
    return harness_model.loglikelihood(requests, disable_tqdm=True)


@pytest.mark.parametrize(
    "methods",
    [[Int8()], [Int4()], [Wanda()], [KeyNorm()], [StreamingLLM(compression_ratio=0.7)], [Int8(), Wanda(), KeyNorm()]],
    ids=lambda methods: "+".join(method.name for method in methods),
)
def test_generation_does_not_depend_on_the_batch(harness_model, monkeypatch, methods):
    plain = generate(harness_model, 4)
    compressed = apply(methods, tiny_model(), calibration=tiny_calibration())
    monkeypatch.setattr(harness_model, "_model", compressed.model)
    together = generate(harness_model, 4)
    assert together == generate(harness_model, 1)
    assert together != plain


def test_no_method_gives_what_the_plain_model_gives(harness_model, monkeypatch):
    plain = generate(harness_model, 4), log_likelihood(harness_model)
    monkeypatch.setattr(harness_model, "_model", apply([], tiny_model()).model)
    assert (generate(harness_model, 4), log_likelihood(harness_model)) == plain


def test_bytes_stay_saved_after_use(harness_model, monkeypatch):
    compressed = apply([Int8()], tiny_model())
    monkeypatch.setattr(harness_model, "_model", compressed.model)
    plain = log_likelihood(harness_model)
    generate(harness_model, 2)
    assert stored_bytes(compressed.model) == compressed.report.after
    assert log_likelihood(harness_model) == plain
