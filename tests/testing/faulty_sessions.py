"""Engines that mix up requests, samples or histories: each has one fault."""

import asyncio
import dataclasses

from hash_engine import HashEngine, number


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


class ForksBeyondEnd(HashEngine):
    def fork(self, session, num_tokens=None):
        return super().fork(session, min(num_tokens or 0, len(session.ids)) if num_tokens is not None else None)


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
