"""Our way: the packed engine, one session per trajectory."""

from __future__ import annotations

import asyncio
from typing import Any

import torch

from lottery_plugins.backends.packed.build import build_runner
from lottery_plugins.backends.packed.options import PackedOptions
from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.protocols.engine import SamplingParams, TokenEngine
from lottery_plugins.protocols.runner import Runner

from .loads import MultiStepLoad
from .number_text import NumberCodec
from .subject import Subject
from .ways import Answers

__all__ = ["Packed", "make_runner", "solve_all"]


def make_runner(subject: Subject, **options: Any) -> Runner:
    """The packed runner around the model that is loaded already, with the threads that torch has now."""
    return build_runner(subject.model, PackedOptions(**{"threads": torch.get_num_threads()} | options))


class Packed:
    """Sessions over the packed runner: only what is new is forwarded."""

    forwarded = None

    def __init__(self, subject: Subject, **options: Any) -> None:
        self._subject = subject
        self._runner = make_runner(subject, **options)

    def run(self, load: MultiStepLoad) -> Answers:
        engine = PackedEngine(self._runner, NumberCodec(self._subject.vocab_size))
        return asyncio.run(solve_all(engine, load, self._subject.text_ids))


async def solve_all(engine: TokenEngine, load: MultiStepLoad, text_ids: list[int]) -> Answers:
    """A coroutine per trajectory."""
    prompt = load.prompt(text_ids)
    params = SamplingParams(max_tokens=load.generated, ignore_end=True)

    async def solve(rank: int, observed: list[list[int]]) -> list[list[int]]:
        session = engine.open(rank)
        answers = []
        for step, new in enumerate(observed):
            completion = await engine.generate(new if step else prompt + new, session, params)
            answers.append(list(completion.ids))
        engine.release(session)
        return answers

    observations = load.observations(text_ids)
    return list(await asyncio.gather(*(solve(i, row) for i, row in enumerate(observations))))
