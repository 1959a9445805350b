"""The engine contract passes an engine that keeps it and finds each fault that one can have."""

import faulty_answers
import faulty_sessions
import pytest
from hash_engine import ByteCodec, HashEngine

from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.errors import ConfigError, DataError, LotteryError
from lottery_plugins.protocols.engine import Capabilities
from lottery_plugins.testing import engine_fakes as fakes
from lottery_plugins.testing.contracts import engine as contract
from lottery_plugins.testing.contracts.engine import check_engine
from lottery_plugins.testing.fake_runner import FakeRunner

FAULTS = [
    cls
    for module in (faulty_sessions, faulty_answers)
    for cls in vars(module).values()
    if isinstance(cls, type) and issubclass(cls, HashEngine) and cls.__module__ == module.__name__
    if cls.__name__ not in ("Changed", "ScoresOtherwise")
]


def test_an_engine_that_keeps_the_contract_passes():
    check_engine(HashEngine, ByteCodec())


class NoScores(HashEngine):
    capabilities = Capabilities(
        name="plain", sessions=False, kv_compression=False, scoring=False, batch_invariant=False, max_length=None
    )

    def refuse(self, prompt, tokens):
        if not prompt:
            raise DataError("a prompt", "has no token")

    def draw(self, ids, params, prompt, index):
        return super().draw([self.live, *ids], params, prompt, index)

    async def score(self, context_ids, continuation_ids):
        raise ConfigError("engine", "plain", "an engine that scores")


def test_an_engine_that_promises_less_passes_as_well():
    check_engine(NoScores, ByteCodec())


@pytest.mark.parametrize("engine", FAULTS, ids=lambda cls: cls.__name__)
@pytest.mark.usefixtures("looking_for_faults")
def test_contract_finds(engine, monkeypatch):
    monkeypatch.setattr(contract, "ANSWER_WITHIN_S", 2.0)
    with pytest.raises((AssertionError, KeyError, RuntimeError, LotteryError)):
        check_engine(engine, ByteCodec())


def test_the_fake_engine_of_the_package_keeps_the_contract():
    codec = fakes.ByteCodec([" the", "Lumen"])
    check_engine(lambda: fakes.FakeEngine(codec), codec)


def test_the_packed_engine_on_a_fake_runner_keeps_the_contract():
    codec = fakes.ByteCodec([" the", "Lumen"])
    check_engine(lambda: PackedEngine(FakeRunner(num_blocks=256, vocabulary=260, max_length=600), codec), codec)


def test_the_packed_engine_keeps_the_contract_where_the_cache_is_small():
    codec = fakes.ByteCodec([" the", "Lumen"])
    check_engine(
        lambda: PackedEngine(FakeRunner(num_blocks=100, vocabulary=260, max_length=390, fits=50), codec), codec
    )
