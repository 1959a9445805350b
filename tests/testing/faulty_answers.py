"""Engines whose answers, counts, scores or refusals are wrong: each has one fault."""

import asyncio
import dataclasses

from hash_engine import END, HashEngine

from lottery_plugins.errors import DataError
from lottery_plugins.protocols.engine import TokenScore


class Changed(HashEngine):
    """Faults of the answers: `change(completion, params)` gives other fields."""

    async def generate(self, new_ids, session, params):
        made = await super().generate(new_ids, session, params)
        return dataclasses.replace(made, **self.change(made, params))


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


class EndsAnyway(HashEngine):
    def draw(self, ids, params, prompt, index):
        return super().draw(ids, dataclasses.replace(params, ignore_end=False), prompt, index)


class CancelledScoreBreaks(HashEngine):
    async def score(self, context_ids, continuation_ids):
        try:
            return await super().score(context_ids, continuation_ids)
        except asyncio.CancelledError:
            self.codec = None
            raise

    def finish(self, ids, params):
        if self.codec is None:
            raise RuntimeError("a cancelled score broke the engine")
        return super().finish(ids, params)


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
