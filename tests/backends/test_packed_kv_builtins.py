"""The built-in KV methods give the same in the packed engine as at work in the model's own cache."""

import asyncio

import pytest
import torch
from compressed_sequences import Sequence
from packed_models import VOCABULARY, model, runner_of
from test_packed_methods import Codec, together

from lottery_plugins.compression import H2O, TOVA, KeyNorm, KVQuant, PyramidKV, SnapKV, StreamingLLM
from lottery_plugins.compression.kv.press import attached
from lottery_plugins.compression.kv.scoring import score_in_two_phases
from lottery_plugins.engine.packed import PackedEngine

PROMPTS = [[(7 * i + i * i * k) % VOCABULARY for i in range(n)] for k, n in ((1, 41), (2, 30), (3, 5))]
QUANT = KVQuant(group_size=8, residual=3)
METHODS = {
    "h2o": (H2O(), None),
    "h2o while generating": (H2O(decoding_interval=3), None),
    "key-norm": (KeyNorm(compression_ratio=0.7), None),
    "kv-quant": (None, QUANT),
    "kv-quant while generating": (None, KVQuant(bits=2, group_size=8, residual=0, decoding_interval=4)),
    "pyramid-kv": (PyramidKV(window=3, beta=4), None),
    "pyramid-kv while generating, and kv-quant": (PyramidKV(window=3, beta=4, decoding_interval=5), QUANT),
    "snapkv": (SnapKV(window=6), None),
    "snapkv while generating, and kv-quant": (SnapKV(window=6, compression_ratio=0.3, decoding_interval=4), QUANT),
    "streaming-llm while generating": (StreamingLLM(decoding_interval=1), None),
    "tova": (TOVA(compression_ratio=0.75), None),
    "tova while generating": (TOVA(decoding_interval=2), None),
}


@pytest.mark.parametrize("name", METHODS)
def test_the_packed_engine_generates_what_the_model_does_with_the_method_in_its_own_cache(name):
    made, (press, quantizer) = model("llama-grouped"), METHODS[name]
    found = together(
        runner_of(made, press=press, quantizer=quantizer, unwritten=0.0), [[(prompt, 12)] for prompt in PROMPTS]
    )
    options = {"max_new_tokens": 12, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    with attached(press, made, quantizer):
        for prompt, (answer,) in zip(PROMPTS, found, strict=True):
            ids = torch.tensor([prompt])
            expected = made.generate(ids, attention_mask=torch.ones_like(ids), **options)[0, len(prompt) :]
            assert list(answer) == expected.tolist()


@pytest.mark.parametrize("name", METHODS)
def test_the_packed_engine_scores_what_the_model_does_in_two_phases(name):
    made, (press, quantizer) = model("llama-grouped"), METHODS[name]
    runner = runner_of(made, press=press, quantizer=quantizer, unwritten=0.0)

    async def scored():
        return await PackedEngine(runner, Codec(), runner.methods).score(PROMPTS[0], PROMPTS[2])

    score = asyncio.run(scored())
    with attached(press, made, quantizer):
        expected = score_in_two_phases(made, PROMPTS[0], PROMPTS[2])
    assert sum(score.logprobs) == pytest.approx(expected.logprob, abs=1e-3)


@pytest.mark.parametrize("press", [H2O, KeyNorm, PyramidKV, SnapKV, StreamingLLM, TOVA])
def test_presses_act_while_a_prompt_is_read(press):
    made, method = model("llama-grouped"), press(prefill_interval=8, decoding_interval=8)
    answers = together(runner_of(made, press=method, unwritten=0.0), [[(prompt, 12)] for prompt in PROMPTS])
    assert answers == [[Sequence(made, method).generate(prompt, 12)] for prompt in PROMPTS]
