"""KV-cache methods in the packed engine, on the CPU and as on a device, against one sequence by itself."""

import asyncio

import pytest
import torch
from compressed_sequences import Bytes, Falling, Heavy, Press, Sequence, Window
from executor_on_cpu import KERNELS
from packed_models import NUM_BLOCKS, VOCABULARY, logits_of, model, runner_of

from lottery_plugins.backends.packed import support
from lottery_plugins.backends.packed.build import build_runner
from lottery_plugins.backends.packed.cuda import CudaExecutor
from lottery_plugins.backends.packed.groups import Groups
from lottery_plugins.backends.packed.methods import cache_methods
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.backends.packed.paged_cache import PagedPool
from lottery_plugins.backends.packed.runner import PackedRunner
from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import Held, Layout, Row

METHODS = {
    "queries": (Window(), None),
    "queries, intervals": (Window(prefill_interval=7, decoding_interval=3), None),
    "mass": (Heavy(), None),
    "mass, intervals": (Heavy(prefill_interval=6, decoding_interval=2), None),
    "budgets of layers": (Falling(), None),
    "budgets of layers, intervals": (Falling(prefill_interval=11, decoding_interval=4), None),
    "groups": (None, Bytes()),
    "groups, intervals": (None, Bytes(decoding_interval=3)),
    "press and groups": (Press(0.3), Bytes(residual=0)),
    "all of it": (Falling(0.3, prefill_interval=13, decoding_interval=9), Bytes(residual=2, decoding_interval=4)),
    "mass and groups": (Heavy(0.3, decoding_interval=7), Bytes(residual=1, decoding_interval=2)),
}  # fmt: skip
TURNS = [
    [(33, 9), (4, 8), (12, 3)],
    [(33, 9), (1, 2), (20, 12)],
    [(50, 14), (3, 5)],
    [(9, 20), (9, 2)],
    [(2, 1), (2, 1)],
]


class Codec:
    end_ids = frozenset()
    special_ids = {}  # noqa: RUF012 - never changed
    token_bytes = [b"x"] * VOCABULARY

    def decode(self, ids):
        return "x" * len(ids)


def device_runner(made, press, quantizer):
    """As on a device, with the plainest kernel."""
    layers = support.layer_shapes(made)
    methods, kernel = cache_methods(made, layers, press, quantizer), KERNELS["per-sequence"]
    pool = PagedPool(layers, NUM_BLOCKS, kernel.block_size, torch.device("cpu"))
    executor = CudaExecutor(made, pool, kernel, 64, Groups.of(methods))
    options = PackedOptions(block_size=kernel.block_size)
    return PackedRunner(executor, layers, NUM_BLOCKS, options, max_length=256, methods=methods)


def turns_of(lengths):
    """Prompts that begin alike; each turn its own."""
    return [
        ([(7 * i + i * i * (turn + 1)) % VOCABULARY for i in range(n)], most) for turn, (n, most) in enumerate(lengths)
    ]


async def live(engine, turns):
    session = engine.open()
    params = [SamplingParams(max_tokens=most, ignore_end=True) for _, most in turns]
    answers = [(await engine.generate(ids, session, p)).ids for (ids, _), p in zip(turns, params, strict=True)]
    engine.release(session)
    return answers


def together(runner, sessions):
    async def go():
        engine = PackedEngine(runner, Codec(), runner.methods)
        return await asyncio.gather(*[live(engine, turns) for turns in sessions])

    return asyncio.run(go())


@pytest.mark.parametrize("on", ["cpu", "device"])
@pytest.mark.parametrize("name", METHODS)
def test_sessions_give_the_tokens_of_the_plain_cache(name, on):
    made, (press, quantizer) = model("llama-grouped"), METHODS[name]
    if on == "cpu":
        runner = runner_of(made, press=press, quantizer=quantizer, unwritten=torch.nan if quantizer else 0.0)
    else:
        runner = device_runner(made, press, quantizer)
    sessions = [turns_of(lengths) for lengths in TURNS]
    expected = []
    for turns in sessions:
        alone = Sequence(made, press, quantizer)
        expected.append([alone.generate(ids, most) for ids, most in turns])
    assert together(runner, sessions) == expected


@pytest.mark.parametrize("name", METHODS)
def test_scores_are_those_behind_the_compressed_context(name):
    made, (press, quantizer) = model("llama-grouped"), METHODS[name]
    runner = runner_of(made, press=press, quantizer=quantizer)
    ((context, _), (continuation, _)) = turns_of([(41, 0), (6, 0)])

    async def go():
        engine = PackedEngine(runner, Codec(), runner.methods)
        return await asyncio.gather(*[engine.score(context[:n], continuation) for n in (41, 30, 41)])

    for n, score in zip((41, 30, 41), asyncio.run(go()), strict=True):
        assert score.logprobs == pytest.approx(
            Sequence(made, press, quantizer).score(context[:n], continuation), abs=1e-3
        )


def test_a_step_that_is_done_again_is_observed_once(monkeypatch):
    made, press = model("llama-grouped"), Heavy()
    runner, failing = runner_of(made, press=press), [True]
    commit = runner._executor._attending.through

    def out_of_memory_once(plan):
        if failing:
            failing.pop()
            raise MemoryError
        return commit(plan)

    monkeypatch.setattr(runner._executor._attending, "through", out_of_memory_once)
    (turns,) = [turns_of([(40, 6), (5, 4)])]
    alone = Sequence(made, press)
    assert together(runner, [turns]) == [[alone.generate(ids, most) for ids, most in turns]]


def test_ratio_zero_is_no_method():
    made = model("llama-grouped")
    runner = runner_of(made, press=Heavy(0.0))
    assert runner.methods is None


@pytest.mark.parametrize("quantizer", [Bytes(), None])
def test_neither_method_serves_sliding_windows(quantizer):
    press = None if quantizer else Press()
    with pytest.raises(ConfigError, match="sliding window"):
        build_runner(model("mistral-window"), PackedOptions(kv_cache_gb=0.001, threads=1), press, quantizer)


def test_groups_larger_than_their_positions_are_refused():
    with pytest.raises(ConfigError, match="test-bytes"):
        runner_of(model("llama-grouped"), quantizer=Bytes(group_size=2))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_encoded_groups_come_out_of_their_slots_as_the_quantizer_decodes_them(dtype):
    quantizer = Bytes(group_size=16)
    layers = support.layer_shapes(model("llama-grouped", dtype))
    groups = Groups.of(cache_methods(model("llama-grouped", dtype), layers, None, quantizer))
    states = torch.randn(2, 48, 8).to(dtype)
    keys, values = groups.decode(groups.encode((states, states)))
    for got, encode, decode in (
        (keys, quantizer.encode_keys, quantizer.decode_keys),
        (values, quantizer.encode_values, quantizer.decode_values),
    ):
        expected = decode(encode(states.unflatten(1, (3, 16)).float()), 8).flatten(1, 2).to(dtype)
        assert torch.equal(got, expected)


def test_what_is_encoded_is_not_encoded_again():
    made, quantizer = model("llama-grouped"), Bytes(residual=0)
    runner = runner_of(made, quantizer=quantizer)
    text = [(j * j + 3 * j) % VOCABULARY for j in range(24)]
    runner.begin([Row(ids=text, cached=0, position=0, blocks=range(8))])()
    per_group = runner.methods.group_slots
    first, second = (Layout((0,) * 3, (n,) * 3) for n in (1, 3))
    once = Held(range(20, 28), per_group + 16, first)
    runner.compress(Held(range(8), 24), once, None)
    slots = torch.arange(80, 80 + per_group)
    before = [runner._executor.pool.read(layer, slots)[0].view(torch.int32).clone() for layer in range(3)]
    runner.compress(once, Held(once.blocks, 3 * per_group, second), None)
    for layer in range(3):
        assert torch.equal(runner._executor.pool.read(layer, slots)[0].view(torch.int32), before[layer])


def test_rows_apart_get_the_same_logits_in_any_step():
    made, press, quantizer = model("llama-grouped"), Falling(0.4), Bytes()
    runner = runner_of(made, press=press, quantizer=quantizer)
    rows = []
    for i in range(3):
        text = [(11 * i + j * j) % VOCABULARY for j in range(30 + i)]
        blocks, into = range(20 * i, 20 * i + 8), range(20 * i + 8, 20 * i + 20)
        seen = runner.observer()
        runner.begin([Row(ids=text, cached=0, position=0, blocks=blocks, observed=seen)])()
        state = runner.methods.acted(_state(len(text)), len(text))
        runner.compress(Held(blocks, len(text)), Held(into, state.cached, state.layout), seen)
        more = [4, 5, 6][: i + 1]
        rows.append(
            Row(ids=more, cached=state.cached, position=len(text), blocks=into, layout=state.layout, targets=more)
        )
    alone = [logits_of(runner, [row])[0] for row in rows]
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(alone, logits_of(runner, rows[::-1])[::-1], strict=True))


def _state(text):
    from lottery_plugins.engine.compression import CacheState

    return CacheState().read(text)
