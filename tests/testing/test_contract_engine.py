"""The engine contract passes an engine that keeps it and finds each fault that one can have."""

import asyncio
import dataclasses

import pytest
from hash_engine import END, ByteCodec, HashEngine, number

from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.errors import ConfigError, DataError, LotteryError
from lottery_plugins.protocols.engine import Capabilities, TokenScore
from lottery_plugins.testing import engine_fakes as fakes
from lottery_plugins.testing.contracts import engine as contract
from lottery_plugins.testing.contracts.engine import check_engine
from lottery_plugins.testing.fake_runner import FakeRunner


class Changed(HashEngine):
    """Faults of the answers: `change(completion, params)` gives other fields."""

    async def generate(self, new_ids, session, params):
        made = await super().generate(new_ids, session, params)
        return dataclasses.replace(made, **self.change(made, params))


class DependsOnMates(HashEngine):
    def draw(self, ids, params, prompt, index):
        token = super().draw(ids, params, prompt, index)
        return ord("z") if self.live > 2 and number(tuple(ids)) < 0.2 else token


class SamplesByArrival(HashEngine):
    def draw(self, ids, params, prompt, index):
        return super().draw(ids, dataclasses.replace(params, seed=self.asked), prompt, index)


class IgnoresSample(HashEngine):
    def draw(self, ids, params, prompt, index):
        return super().draw(ids, dataclasses.replace(params, sample=0), prompt, index)


class IgnoresSeed(HashEngine):
    def draw(self, ids, params, prompt, index):
        return super().draw(ids, dataclasses.replace(params, seed=0), prompt, index)


class SwapsAnswers(HashEngine):
    """Who asks while another waits gets the other's answer, with counts of its own."""

    other = None

    async def generate(self, new_ids, session, params):
        before = list(session.ids)
        made = await super().generate(new_ids, session, params)
        told, self.other = self.other, made if self.live else None
        if told is None or len(told.ids) > params.max_tokens or any(stop in told.text for stop in params.stop):
            return made
        session.ids[:] = [*before, *new_ids, *told.ids]
        return dataclasses.replace(made, ids=told.ids, text=told.text)


class CancelsMates(HashEngine):
    """Requests share one task each round; cancelling one request ends those beside it."""

    broken = False

    async def generate(self, new_ids, session, params):
        try:
            return await super().generate(new_ids, session, params)
        except asyncio.CancelledError:
            self.broken = self.live > 0
            raise

    def draw(self, ids, params, prompt, index):
        if self.broken:
            self.broken = False
            raise RuntimeError("a mate was cancelled")
        return super().draw(ids, params, prompt, index)


class HangsAfterCancel(HashEngine):
    async def generate(self, new_ids, session, params):
        try:
            if self.asked < 0:
                await asyncio.sleep(3600)
            return await super().generate(new_ids, session, params)
        except asyncio.CancelledError:
            self.asked = -100
            raise


class CancelKeepsPrompt(HashEngine):
    async def generate(self, new_ids, session, params):
        before = list(session.ids)
        try:
            return await super().generate(new_ids, session, params)
        except asyncio.CancelledError:
            session.ids[:] = [*before, *new_ids]
            raise


class SwallowsCancel(HashEngine):
    async def generate(self, new_ids, session, params):
        try:
            return await super().generate(new_ids, session, params)
        except asyncio.CancelledError:
            return await super().generate(new_ids, session, params)


class ForgetsCompletion(HashEngine):
    async def generate(self, new_ids, session, params):
        made = await super().generate(new_ids, session, params)
        if made.ids:
            del session.ids[-1]
        return made


class SharesForks(HashEngine):
    def fork(self, session, num_tokens=None):
        return session if num_tokens in (None, len(session.ids)) else super().fork(session, num_tokens)


class ForksWhole(HashEngine):
    def fork(self, session, num_tokens=None):
        return super().fork(session)


class ForkSeesOtherHistory(HashEngine):
    """A fork's cache is not cut where its ids are."""

    def fork(self, session, num_tokens=None):
        made = super().fork(session, num_tokens)
        made.state = {"kept", "stale"} if len(made.ids) < len(session.ids) else made.state
        return made

    async def generate(self, new_ids, session, params):
        self.stale = session.state is not None and "stale" in session.state
        return await super().generate(new_ids, session, params)

    def draw(self, ids, params, prompt, index):
        return super().draw([0, *ids] if self.stale else ids, params, prompt, index)


class ReleasesOnce(HashEngine):
    def release(self, session):
        if session.state is None:
            raise KeyError("session")
        super().release(session)


class ReleaseFreesFork(HashEngine):
    """A fork uses its parent's cache, which goes with the parent."""

    def __init__(self):
        super().__init__()
        self.children = {}

    def fork(self, session, num_tokens=None):
        made = super().fork(session, num_tokens)
        self.children.setdefault(id(session), []).append(made)
        return made

    def release(self, session):
        super().release(session)
        for child in self.children.pop(id(session), []):
            del child.ids[:1]


class ShowsStop(Changed):
    def change(self, made, params):
        is_stopped = made.finish_reason == "stop" and params.stop
        return {"text": made.text + params.stop[0]} if is_stopped else {}


class MissesSpanningStop(HashEngine):
    """Looks for stop strings in each token alone."""

    def finish(self, ids, params):
        if ids and ids[-1] != END and not any(stop in self.codec.decode(ids[-1:]) for stop in params.stop):
            return False, ids, self.codec.decode(ids)
        return super().finish(ids, params)


class StopsLate(HashEngine):
    """Cuts before the last occurrence of a stop string."""

    def finish(self, ids, params):
        ended, kept, text = super().finish(ids, params)
        return (True, kept[:-1], text[:-1]) if ended and kept and ids[-1] != END else (ended, kept, text)


class TooLong(HashEngine):
    async def generate(self, new_ids, session, params):
        return await super().generate(new_ids, session, dataclasses.replace(params, max_tokens=params.max_tokens + 1))


class EndsByLengthEarly(HashEngine):
    async def generate(self, new_ids, session, params):
        shorter = dataclasses.replace(params, max_tokens=max(1, params.max_tokens - 1))
        return await super().generate(new_ids, session, shorter)


class KeepsEnd(HashEngine):
    def finish(self, ids, params):
        return (True, ids, self.codec.decode(ids)) if ids[-1] == END else super().finish(ids, params)


class TextOfAnother(Changed):
    def change(self, made, params):
        return {"text": made.text[1:]} if len(made.ids) > 5 else {}


class UnknownReason(Changed):
    def change(self, made, params):
        return {"finish_reason": "unknown"}


class CountsPromptTwice(Changed):
    def change(self, made, params):
        return {"prompt_tokens": made.prompt_tokens + 1}


class CachesMoreThanThereIs(Changed):
    def change(self, made, params):
        return {"cached_tokens": made.prompt_tokens}


class ForwardsNothing(Changed):
    def change(self, made, params):
        return {"forwarded_tokens": 0}


class ForgetsSessions(Changed):
    def change(self, made, params):
        return {"cached_tokens": 0, "forwarded_tokens": made.cached_tokens + made.forwarded_tokens}


class AcceptsTooLong(HashEngine):
    def refuse(self, prompt, tokens):
        super().refuse(prompt, tokens - 2)


class RefusesMaxTokensBeyondWindow(HashEngine):
    async def generate(self, new_ids, session, params):
        self.refuse([*session.ids, *new_ids], params.max_tokens)
        return await super().generate(new_ids, session, params)


class RefusesFitting(HashEngine):
    def refuse(self, prompt, tokens):
        super().refuse(prompt, tokens + 1)


class AcceptsEmpty(HashEngine):
    def refuse(self, prompt, tokens):
        if prompt:
            super().refuse(prompt, tokens)


class RaisesValueError(HashEngine):
    def refuse(self, prompt, tokens):
        try:
            super().refuse(prompt, tokens)
        except DataError as error:
            raise ValueError("too long") from error


class ScoresOtherwise(HashEngine):
    async def score(self, context_ids, continuation_ids):
        made = await super().score(context_ids, continuation_ids)
        return dataclasses.replace(made, **self.change(made))


class ScoresAreProbabilities(ScoresOtherwise):
    def change(self, made):
        return {"logprobs": tuple(2.718281828**number for number in made.logprobs)}


class ScoresOneTooFew(ScoresOtherwise):
    def change(self, made):
        return {"logprobs": made.logprobs[1:]}


class ScoresAreNan(ScoresOtherwise):
    def change(self, made):
        return {"logprobs": (float("nan"), *made.logprobs[1:])}


class ScoresHalveFirst(ScoresOtherwise):
    """The first token of a continuation counts half."""

    def change(self, made):
        return {"logprobs": (made.logprobs[0] / 2, *made.logprobs[1:])}


class NeverGreedy(ScoresOtherwise):
    def change(self, made):
        return {"is_greedy": False}


class ScoresEmpty(HashEngine):
    async def score(self, context_ids, continuation_ids):
        if not continuation_ids:
            return TokenScore(logprobs=(), is_greedy=True)
        return await super().score(context_ids, continuation_ids)


def with_capabilities(**changes):
    return dataclasses.replace(HashEngine.capabilities, **changes)


class ScoresThoughItCannot(HashEngine):
    capabilities = with_capabilities(scoring=False)

    async def score(self, context_ids, continuation_ids):
        return TokenScore(logprobs=(-1.0,) * len(continuation_ids), is_greedy=False)


class CapabilitiesChange(HashEngine):
    @property
    def capabilities(self):
        return with_capabilities(kv_compression=self.asked > 1)


class PinningChanges(HashEngine):
    pinned = 0

    async def pin_prefix(self, ids):
        self.pinned = 4

    def draw(self, ids, params, prompt, index):
        self.pinned -= 1
        return super().draw([0, *ids] if self.pinned > 0 else ids, params, prompt, index)


FAULTS = [
    cls
    for cls in list(globals().values())
    if isinstance(cls, type) and issubclass(cls, HashEngine) and cls not in (HashEngine, Changed, ScoresOtherwise)
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
