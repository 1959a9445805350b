"""vLLM (its stand-in) under what reasoners and lm-eval tasks stand on, with a tokenizer and no model here."""

import asyncio

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.backends.codec import HarnessCodec
from lottery_plugins.backends.tokenizer_lm import TokenizerLM
from lottery_plugins.backends.vllm_engine import VllmEngine
from lottery_plugins.engine.conversations import Conversations
from lottery_plugins.generation import GenerationConfig, GenerationRequest
from lottery_plugins.harness.engine_lm import EngineLM
from lottery_plugins.harness.gen_settings import SamplingDefaults
from lottery_plugins.messages import Message
from tests.backends import vllm_standin


@pytest.fixture
def base(tiny_model):
    return TokenizerLM(tiny_model, max_length=400)


@pytest.fixture
def engine(base, monkeypatch):
    vllm_standin.install(monkeypatch)
    made = VllmEngine.load(base.pretrained, HarnessCodec(base, is_chat=False))
    yield made
    made.close()


def test_a_reasoners_steps_go_on_from_vllms_cache(base, engine):
    front = Conversations(engine, HarnessCodec(base, is_chat=True))
    turns = (Message("user", "How long is the Lumen Bridge? Think first, then say it."),)

    async def main():
        first = await front.generate(GenerationRequest(turns, GenerationConfig(max_tokens=20), trajectory=1))
        more = (*turns, Message("assistant", first.text), Message("user", "And how wide?"))
        return await front.generate(GenerationRequest(more, GenerationConfig(max_tokens=20), trajectory=1))

    second = asyncio.run(main())
    assert second.cached_tokens >= 48
    front.release(1)


def test_lm_evals_requests_are_answered(base, engine):
    lm = EngineLM(engine, HarnessCodec(base, is_chat=False), base, "none", SamplingDefaults())
    asked = [
        ("generate_until", ("Q: 1\nA:", {"until": ["\n"], "max_gen_toks": 5})),
        ("loglikelihood", ("The bridge is", " long")),
        ("loglikelihood_rolling", ("It was built in 1903.",)),
    ]

    async def main():
        work = [lm.ask(kind, Instance(kind, {}, args, 0), 0, 0) for kind, args in asked]
        return [answer for answer, _ in await asyncio.gather(*work)]

    text, (number, is_greedy), rolled = asyncio.run(main())
    assert isinstance(text, str)
    assert "\n" not in text
    assert number < 0
    assert is_greedy is False
    assert rolled < number
