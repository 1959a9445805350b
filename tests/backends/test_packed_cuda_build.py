"""From a model to a runner and an engine for a device, on the CPU: the device's own functions are played."""

import asyncio

import pytest
import torch
from executor_on_cpu import KERNELS, SIZES, FakeCapture, shapes, text, tiny

from lottery_plugins.backends.packed import cuda_build
from lottery_plugins.backends.packed.build import build_runner
from lottery_plugins.backends.packed.cuda_build import build_cuda_runner
from lottery_plugins.backends.packed.methods import cache_methods
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.compression.kv.key_norm import KeyNorm
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import Held, OutOfMemoryInStepError, Row


@pytest.fixture
def device(monkeypatch):
    """A device with some free memory and a flash kernel; the captures that were made."""
    captures = []

    def capture(_):
        captures.append(FakeCapture())
        return captures[-1]

    monkeypatch.setattr(cuda_build, "choose_kernel", lambda *_, **__: KERNELS["paged"])
    monkeypatch.setattr(cuda_build, "CudaCapture", capture)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (10_000_000, 20_000_000))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    return captures


class Codec:
    end_ids = frozenset()
    special_ids = {}  # noqa: RUF012 - never changed
    token_bytes = [b"x"] * SIZES["vocab_size"]

    def decode(self, ids):
        return "x" * len(ids)


def test_a_runner_takes_85_percent_of_the_free_memory_and_passes_the_self_check(device):
    runner = build_cuda_runner(tiny(), shapes(tiny()), PackedOptions())
    assert (runner.block_size, runner.max_step_tokens) == (256, 8192)
    of_block = 2 * 2 * 2 * 8 * 4 * 256
    assert runner.num_blocks == 8_500_000 // of_block - 1
    assert runner.max_length == 600
    assert len(device) == 1


def test_steps_that_do_not_fit_are_halved_and_that_is_said(device, monkeypatch, caplog):
    real = cuda_build.largest_step

    def small_memory(model, layers, kernel, tokens, limit):
        if tokens > 1000:
            raise torch.OutOfMemoryError("CUDA out of memory")
        real(model, layers, kernel, tokens, limit)

    monkeypatch.setattr(cuda_build, "largest_step", small_memory)
    runner = build_cuda_runner(tiny(), shapes(tiny()), PackedOptions(max_step_tokens=3000))
    assert runner.max_step_tokens == 750
    assert "steps of 3000 tokens don't fit cpu; trying 1500" in caplog.text
    monkeypatch.setattr(cuda_build, "largest_step", _never_fits)
    with pytest.raises(ConfigError, match="room for a step"):
        build_cuda_runner(tiny(), shapes(tiny()), PackedOptions())


def _never_fits(*_):
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_the_engine_on_it_gives_each_request_what_the_model_generates_alone(device):
    from lottery_plugins.engine.packed import PackedEngine

    model = tiny()
    runner = build_cuda_runner(model, shapes(model), PackedOptions())
    shared = text(50, 270)
    prompts = [shared + text(seed, 3 + seed) for seed in range(5)] + [text(9, 4)]
    engine = PackedEngine(runner, Codec())
    params = SamplingParams(max_tokens=9, ignore_end=True)

    async def ask():
        return await asyncio.gather(*(engine.generate(ids, engine.open(i), params) for i, ids in enumerate(prompts)))

    for ids, completion in zip(prompts, asyncio.run(ask()), strict=True):
        with torch.inference_mode():
            alone = model.generate(torch.tensor([ids]), max_new_tokens=9, do_sample=False, eos_token_id=None)
        assert list(completion.ids) == alone[0, len(ids) :].tolist()
    replays = sum(graph.replays for graph in device[0].graphs)
    assert replays > 5
    assert engine.statistics.forwarded_tokens < sum(len(ids) + 8 for ids in prompts) - 4 * 256


def test_copied_and_compressed_caches_are_those_of_the_cpu_runner(device):
    model, ids = tiny(), text(7, 40)
    press = KeyNorm(compression_ratio=0.5)
    paged = build_cuda_runner(model, shapes(model), PackedOptions(), cache_methods(model, shapes(model), press, None))
    plain = build_runner(model, PackedOptions(kv_cache_gb=0.01, block_size=64), press)
    scored = []
    for runner in (paged, plain):
        runner.begin([Row(ids=ids, cached=0, position=0, blocks=[2])])()
        runner.copy(2, 3, 33)
        runner.compress(Held([2], 40), Held([1], 20), None)
        rows = [
            Row(ids=ids[33:35], cached=33, position=33, blocks=[3], targets=[1, 2]),
            Row(ids=[5], cached=20, position=40, blocks=[1], targets=[6]),
        ]
        scored.append([x for result in runner.begin(rows)() for x in result.logprobs])
    assert scored[0] == pytest.approx(scored[1], abs=1e-5)


def test_out_of_memory_in_a_step_is_the_schedulers_to_handle(device, monkeypatch):
    runner = build_cuda_runner(tiny(), shapes(tiny()), PackedOptions())
    with monkeypatch.context() as patch:
        patch.setattr(runner._executor, "_model", _never_fits_in)
        with pytest.raises(OutOfMemoryInStepError):
            runner.begin([Row(ids=[1, 2], cached=0, position=0, blocks=[0], targets=[1])])()
    assert device[0].resets == 1
    assert runner.begin([Row(ids=[1, 2], cached=0, position=0, blocks=[0], targets=[1])])()[0].logprobs


def _never_fits_in(**_):
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_too_little_memory_for_a_cache_is_an_error_that_says_what_is_needed(device):
    with pytest.raises(ConfigError, match=r"kv_cache_gb: got 0\.0002"):
        build_cuda_runner(tiny(), shapes(tiny()), PackedOptions(kv_cache_gb=0.0002))
