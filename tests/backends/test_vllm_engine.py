"""The vLLM engine on a stand-in with vLLM's interface. A GPU test on the real one is at the end."""

import asyncio
import dataclasses
import importlib.util

import pytest

from lottery_plugins.backends.vllm_engine import VllmEngine
from lottery_plugins.backends.vllm_options import VllmOptions
from lottery_plugins.errors import BackendError, ConfigError, DataError, MissingExtraError, RunEndedError
from lottery_plugins.options import build_plugin
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.specs import parse_specs
from lottery_plugins.testing.contracts.engine import check_engine
from lottery_plugins.testing.contracts.plugin import check_plugin
from tests.backends import vllm_standin
from tests.testing.hash_engine import END, ByteCodec, logits

ids_of = ByteCodec().encode


@pytest.fixture
def standin(monkeypatch):
    monkeypatch.delenv("VLLM_BATCH_INVARIANT", raising=False)
    return vllm_standin.install(monkeypatch)


@pytest.fixture
def engine(standin):
    made = VllmEngine.load("a/model", ByteCodec())
    yield made
    made.close()


def ask(engine, text, session=None, **settings):
    settings = {"max_tokens": 8, **settings}
    return engine.generate(ids_of(text), session or engine.open(), SamplingParams(**settings))


def test_the_engine_keeps_the_contract(standin, monkeypatch):
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "1")
    check_engine(lambda: VllmEngine.load("a/model", ByteCodec()), ByteCodec(), close=VllmEngine.close)


def test_three_replicas_keep_the_contract(standin, monkeypatch):
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "1")
    options = VllmOptions(data_parallel_size=3)
    check_engine(lambda: VllmEngine.load("a/model", ByteCodec(), options), ByteCodec(), close=VllmEngine.close)


def test_it_says_what_it_can(engine, monkeypatch):
    assert engine.capabilities.name == "vllm"
    assert not engine.capabilities.batch_invariant
    assert engine.capabilities.max_length == 498
    assert VllmEngine.load("m", ByteCodec(), VllmOptions(enable_prefix_caching=False)).capabilities.sessions is False


def test_options_reach_vllm_by_its_own_names(standin):
    (spec,) = parse_specs("vllm:tensor_parallel_size=2:dtype=bfloat16:max_model_len=100", "engine")
    options = build_plugin(VllmOptions, dict(spec.options), "engine: vllm")
    engine = VllmEngine.load("a/model", ByteCodec(), options)
    args = standin.last.args
    assert (args.model, args.tensor_parallel_size, args.dtype, args.max_model_len) == ("a/model", 2, "bfloat16", 100)
    assert args.scheduling_policy == "priority"
    assert args.enable_prefix_caching is True
    engine.close()
    assert standin.last.is_down
    engine.close()


def test_options_are_a_plugins_options():
    check_plugin(VllmOptions)


@pytest.mark.parametrize(
    "wrong", [{"tensor_parallel_size": 0}, {"gpu_memory_utilization": 0.0}, {"max_model_len": 2}], ids=str
)
def test_options_that_can_not_be_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        VllmOptions(**wrong)


def test_a_trajectory_stays_on_its_replica_and_new_ones_are_spread(standin):
    engine = VllmEngine.load("a/model", ByteCodec(), VllmOptions(data_parallel_size=4))
    assert sorted(engine.open().state for _ in range(8)) == [0, 0, 1, 1, 2, 2, 3, 3]
    session = engine.open(rank=7)
    assert engine.open(rank=7).state == session.state == engine.fork(session, 0).state == 3

    async def main():
        await ask(engine, "first", session)
        await ask(engine, "second", engine.fork(session))
        await engine.pin_prefix(ids_of("shared"))

    asyncio.run(main())
    told = [(priority, replica) for _, _, priority, replica in standin.last.seen.requests]
    assert told == [(7, 3), (7, 3), (0, 0), (0, 1), (0, 2), (0, 3)]


def test_a_second_turn_finds_the_first_in_the_cache(engine):
    async def main():
        session = engine.open()
        first = await ask(engine, "x" * 40, session)
        return first, await ask(engine, "and more", session)

    first, second = asyncio.run(main())
    assert first.cached_tokens == 0
    assert second.cached_tokens == 32
    assert second.prompt_tokens == 40 + len(first.ids) + 8
    assert second.forwarded_tokens == second.prompt_tokens - 32 + second.generated_tokens - 1


def test_it_lives_through_several_event_loops(engine):
    assert asyncio.run(ask(engine, "abc")).ids == asyncio.run(ask(engine, "abc")).ids


def test_a_cancelled_request_is_aborted_in_vllm(engine, standin, monkeypatch):
    monkeypatch.setattr(standin, "is_held", True)

    async def main():
        task = asyncio.ensure_future(ask(engine, "abc", max_tokens=400, ignore_end=True))
        while not standin.last.seen.requests:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not standin.last.seen.aborted:
            await asyncio.sleep(0.001)
        monkeypatch.setattr(standin, "is_held", False)
        return await ask(engine, "abc")

    assert asyncio.run(main()).generated_tokens
    assert standin.last.seen.aborted == ["lottery-0"]


def test_the_same_sample_has_the_same_seed_and_others_have_others(engine, standin):
    async def main():
        for settings in ({}, {}, {"sample": 1}, {"seed": 1}):
            await ask(engine, "abc", do_sample=True, **settings)
        await ask(engine, "abd", do_sample=True)

    asyncio.run(main())
    seeds = [params.seed for _, params, _, _ in standin.last.seen.requests]
    assert seeds[0] == seeds[1]
    assert len(set(seeds)) == 4


def test_a_stop_string_that_is_a_special_token_stops_at_the_token(engine, standin):
    asyncio.run(ask(engine, "abc", stop=("<end>",), max_tokens=2))
    assert standin.last.seen.requests[0][1].stop_token_ids == [END]


def test_a_stop_string_that_only_vllm_sees_still_ends_the_text(standin):
    class Shouting(ByteCodec):
        def decode(self, ids):
            return super().decode(ids).upper()

    async def main():
        engine = VllmEngine.load("a/model", Shouting())
        raw = await ask(engine, "abc", max_tokens=12, ignore_end=True)
        letter = next(c for c in raw.text.lower() if c.isalpha())
        return letter, await ask(engine, "abc", max_tokens=12, ignore_end=True, stop=(letter,))

    letter, made = asyncio.run(main())
    assert letter not in made.text
    assert made.finish_reason == "stop"


def test_scores_are_those_of_the_model(engine):
    best = max(logits(ids_of("the ")), key=logits(ids_of("the ")).get)
    score = asyncio.run(engine.score(ids_of("the "), [best]))
    assert score.is_greedy
    assert not asyncio.run(engine.score(ids_of("the "), ids_of("q"))).is_greedy


def test_lm_evals_longest_window_is_scored(engine):
    longest = engine.capabilities.max_length + 1
    assert len(asyncio.run(engine.score([65], [66] * (longest - 1))).logprobs) == longest - 1
    with pytest.raises(DataError, match="positions of a window of 498"):
        asyncio.run(engine.score([65], [66] * longest))


def test_no_temperature_that_vllm_refuses(engine):
    with pytest.raises(ConfigError, match="temperature must be in"):
        asyncio.run(ask(engine, "abc", do_sample=True, temperature=3.0))


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        (vllm_standin.EngineDeadError("gone"), RunEndedError, "engine died"),
        (RuntimeError("CUDA error"), BackendError, "RuntimeError: CUDA error"),
    ],
    ids=["dead", "failed"],
)
def test_what_vllm_raises_is_told(engine, standin, monkeypatch, fault, kind, told):
    monkeypatch.setattr(standin, "fault", fault)
    with pytest.raises(kind, match=told):
        asyncio.run(ask(engine, "abc"))


def test_nan_is_named(monkeypatch):
    vllm_standin.install(monkeypatch, vllm_standin.BrokenNumbers)
    engine = VllmEngine.load("a/model", ByteCodec())
    with pytest.raises(RunEndedError, match="NaN"):
        asyncio.run(engine.score([65], [66]))
    engine.close()


def test_fewer_log_probabilities_than_tokens_are_refused(engine, standin, monkeypatch):
    monkeypatch.setattr(standin, "tell", lambda self, ids, n: None)
    real = standin.generate

    async def short(self, *args, **kwargs):
        async for output in real(self, *args, **kwargs):
            yield dataclasses.replace(output, prompt_logprobs=output.prompt_logprobs[:3])

    monkeypatch.setattr(standin, "generate", short)
    with pytest.raises(BackendError, match="of 3 tokens for a prompt of 6"):
        asyncio.run(engine.score(ids_of("abc"), ids_of("def")))


def test_without_vllm_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "vllm", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        VllmEngine.load("a/model", ByteCodec())


def test_a_checkpoint_that_does_not_load_is_told(standin):
    with pytest.raises(BackendError, match="could not load 'broken': Engine core"):
        VllmEngine.load("broken", ByteCodec())


def test_an_option_of_another_version_is_told(standin, monkeypatch):
    def older(model, scheduling_policy, disable_log_stats):
        raise AssertionError("never called with what it does not know")

    monkeypatch.setattr(__import__("sys").modules["vllm"], "AsyncEngineArgs", older)
    with pytest.raises(ConfigError, match="unexpected keyword"):
        VllmEngine.load("a/model", ByteCodec())


@pytest.mark.gpu
@pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed")
def test_a_real_vllm_answers_scores_and_finds_its_cache(tiny_model):
    from lottery_plugins.backends.codec import HarnessCodec
    from lottery_plugins.backends.tokenizer_lm import TokenizerLM

    codec = HarnessCodec(TokenizerLM(tiny_model), is_chat=False)
    engine = VllmEngine.load(tiny_model, codec, VllmOptions(max_model_len=512, gpu_memory_utilization=0.2))

    async def main():
        session = engine.open()
        first = await engine.generate(codec.encode("The Lumen Bridge " * 4), session, SamplingParams(max_tokens=8))
        second = await engine.generate(codec.encode_more(" is"), session, SamplingParams(max_tokens=8))
        score = await engine.score(codec.encode("The Lumen Bridge"), codec.encode_more(" is long"))
        return first, second, score

    first, second, score = asyncio.run(main())
    engine.close()
    assert first.generated_tokens == 8 or first.finish_reason == "stop"
    assert second.cached_tokens >= 48
    assert len(score.logprobs) == 8
