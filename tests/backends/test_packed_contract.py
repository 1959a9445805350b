"""The packed engine keeps the contract of engines on a real model."""

import pytest
from hypothesis import settings
from lm_eval.models.huggingface import HFLM

from lottery_plugins.backends.codec import HarnessCodec
from lottery_plugins.backends.packed.build import build_runner
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.testing.contracts.engine import check_engine


@pytest.fixture
def few_examples():
    """A real model answers each of them, alone and together."""
    before = settings.get_current_profile_name()
    settings.register_profile("few", max_examples=5, deadline=None, derandomize=True)
    settings.load_profile("few")
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("few_examples")
def test_the_packed_engine_keeps_the_contract(tiny_model):
    lm = HFLM(pretrained=tiny_model, device="cpu", dtype="float32", batch_size=8)
    codec = HarnessCodec(lm, is_chat=False)
    runner = build_runner(lm.model, PackedOptions(), None)
    check_engine(lambda: PackedEngine(runner, codec), codec)
