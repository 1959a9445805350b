"""Any lm-eval model as an engine, here lm-eval's own `hf` with the tiny model."""

import asyncio

import pytest
from hypothesis import settings
from lm_eval.models.huggingface import HFLM

from lottery_plugins.backends.codec import HarnessCodec
from lottery_plugins.backends.round_engine import RoundEngine
from lottery_plugins.errors import ConfigError, DataError, RunEndedError
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.testing.contracts.engine import check_engine


@pytest.fixture(scope="module")
def lm(tiny_model):
    return HFLM(pretrained=tiny_model, device="cpu", dtype="float32", batch_size=8)


@pytest.fixture(scope="module")
def codec(lm):
    return HarnessCodec(lm, is_chat=False)


@pytest.fixture
def few_examples():
    """A real model answers each of them, alone and together."""
    before = settings.get_current_profile_name()
    settings.register_profile("few", max_examples=5, deadline=None, derandomize=True)
    settings.load_profile("few")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("few_examples")
def test_an_lm_eval_model_keeps_the_contract(lm, codec):
    check_engine(lambda: RoundEngine(lm, codec, round_size=8), codec, scores_tokens=False)


def test_answers_and_scores_are_those_of_lm_eval(lm, codec):
    from lm_eval.api.instance import Instance

    engine = RoundEngine(lm, codec, round_size=4)
    texts = ["The Lumen Bridge", "a", "It was built in 1903."]
    kwargs = {"until": ["\n"], "max_gen_toks": 6, "do_sample": False}
    instances = [Instance("generate_until", {}, (text, kwargs), i) for i, text in enumerate(texts)]
    wanted = lm.generate_until(instances, disable_tqdm=True)
    scored = [Instance("loglikelihood", {}, (text, " is long"), i) for i, text in enumerate(texts)]
    numbers = lm.loglikelihood(scored, disable_tqdm=True)

    async def main():
        params = SamplingParams(max_tokens=6, stop=("\n",))
        made = await asyncio.gather(*(engine.generate(codec.encode(t), engine.open(), params) for t in texts))
        scores = await asyncio.gather(*(engine.score(codec.encode(t), codec.encode_more(" is long")) for t in texts))
        return made, scores

    made, scores = asyncio.run(main())
    assert [completion.text for completion in made] == wanted
    assert [s.logprob for s in scores] == pytest.approx([number for number, _ in numbers])
    assert [s.is_greedy for s in scores] == [is_greedy for _, is_greedy in numbers]


def test_requests_that_wait_together_share_a_batch(lm, codec, monkeypatch):
    batches = []
    real = lm._loglikelihood_tokens
    monkeypatch.setattr(
        lm, "_loglikelihood_tokens", lambda asked, disable_tqdm=False: batches.append(len(asked)) or real(asked, True)
    )
    engine = RoundEngine(lm, codec, round_size=4)

    async def main():
        await asyncio.gather(*(engine.score([65 + i], [66]) for i in range(6)))

    asyncio.run(main())
    assert batches == [4, 2]


def test_one_text_split_in_two_ways_has_two_scores(lm, codec):
    """lm-eval's `hf` mixes them up when they share a batch."""
    engine = RoundEngine(lm, codec, round_size=4)
    splits = [([66], [66, 72, 85]), ([66, 66], [72, 85]), ([66, 66, 72], [85])]

    async def main():
        together = await asyncio.gather(*(engine.score(*split) for split in splits))
        return together, [await engine.score(*split) for split in splits]

    together, alone = asyncio.run(main())
    assert [s.logprob for s in together] == pytest.approx([s.logprob for s in alone])


def test_special_tokens_of_a_prompt_reach_the_model(lm, codec, monkeypatch):
    seen = []
    real = lm.generate_until
    monkeypatch.setattr(
        lm,
        "generate_until",
        lambda asked, disable_tqdm=False: seen.extend(i.args[0] for i in asked) or real(asked, True),
    )
    engine = RoundEngine(lm, codec, round_size=4)
    ids = codec.encode("<eos>ab<pad>c")
    asyncio.run(engine.generate(ids, engine.open(), SamplingParams(max_tokens=1)))
    assert seen == ["<eos>ab<pad>c"]


def test_what_it_can_not_do_is_refused(lm, codec):
    engine = RoundEngine(lm, codec, round_size=4)
    with pytest.raises(ConfigError, match="ignore_end"):
        asyncio.run(engine.generate([65], engine.open(), SamplingParams(max_tokens=1, ignore_end=True)))
    with pytest.raises(DataError, match="does not fit"):
        asyncio.run(engine.score([65] * 2048, [66, 67]))


def test_a_model_without_a_tokenizer_is_refused(codec):
    with pytest.raises(ConfigError, match="without a tokenizer"):
        RoundEngine(object(), codec, round_size=4)


def test_nan_ends_the_run(lm, codec, monkeypatch):
    monkeypatch.setattr(lm, "_loglikelihood_tokens", lambda asked, disable_tqdm=False: [(float("nan"), False)])
    with pytest.raises(RunEndedError, match="NaN"):
        asyncio.run(RoundEngine(lm, codec, round_size=4).score([65], [66]))
