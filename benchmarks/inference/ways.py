"""Ways of answering the multi-step load, behind one small interface. Each runs in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, Protocol

from .loads import MultiStepLoad
from .subject import Subject

__all__ = ["WAYS", "Answers", "Way", "make_way", "missing", "one_by_one", "rounds", "side_by_side", "versions"]

Answers = list[list[list[int]]]  # by trajectory and step: the generated ids


class Way(Protocol):
    """Answers a load with a model. `forwarded` counts tokens where the subject's own counter can't see them."""

    forwarded: int | None

    def run(self, load: MultiStepLoad) -> Answers:
        """Answer all steps of all trajectories; called more than once."""
        ...


# name -> (what it is, module that it needs, distribution, "file:class")
WAYS = {
    "naive": ("`model.generate` per call", "transformers", "transformers", "ways_hf:Naive"),
    "lm-eval": ("lm-eval's `hf`, a batch per round", "lm_eval", "lm_eval", "ways_hf:LmEval"),
    "inspect": ("Inspect AI's hf provider", "inspect_ai", "inspect-ai", "ways_others:Inspect"),
    "llama.cpp": ("llama-cpp-python, f32 GGUF", "llama_cpp", "llama-cpp-python", "ways_others:LlamaCpp"),
    "transformers": ("transformers' continuous batching", "transformers", "transformers", "ways_hf:Continuous"),
    "lottery": ("ours: packed", "lottery_plugins.backends.packed.build", "lottery-plugins", "ways_ours:Packed"),
}


def missing(name: str) -> str | None:
    """How to install what a way needs; None if it is there."""
    _, module, distribution, _ = WAYS[name]
    try:
        found = find_spec(module)
    except ModuleNotFoundError:
        found = None
    return None if found is not None else f"not installed: pip install {distribution}"


def versions() -> dict[str, str]:
    """Of every library that a way may use; those not installed are left out."""
    found = {}
    for name in sorted({w[2] for w in WAYS.values()} | {"torch", "tokenizers"}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def make_way(name: str, subject: Subject, options: dict[str, Any]) -> Way:
    """A way that is ready to run."""
    from importlib import import_module

    file, class_name = WAYS[name][3].split(":")
    way: Way = getattr(import_module(f".{file}", __package__), class_name)(subject, **options)
    return way


def rounds(subject: Subject, load: MultiStepLoad, answer: Callable[[list[list[int]]], list[list[int]]]) -> Answers:
    """Drive a way that answers a batch: all trajectories take a step, then all take the next."""
    histories, observations = _start(subject, load)
    answers: Answers = [[] for _ in histories]
    for step in range(load.steps):
        for history, observed in zip(histories, observations, strict=True):
            history += observed[step]
        for t, generated in enumerate(answer(histories)):
            histories[t] += generated
            answers[t].append(generated)
    return answers


def one_by_one(subject: Subject, load: MultiStepLoad, answer: Callable[[list[int]], list[int]]) -> Answers:
    """Drive a way that answers one prompt: a trajectory is finished before the next one starts."""
    histories, observations = _start(subject, load)
    answers: Answers = [[] for _ in histories]
    for t, history in enumerate(histories):
        for observed in observations[t]:
            history += observed
            answers[t].append(answer(history))
            history += answers[t][-1]
    return answers


def side_by_side(
    subject: Subject, load: MultiStepLoad, answer: Callable[[Sequence[int]], Awaitable[list[int]]]
) -> Answers:
    """Drive a way that answers one prompt at a time, many at once: a coroutine per trajectory."""
    histories, observations = _start(subject, load)

    async def solve(history: list[int], observed: list[list[int]]) -> list[list[int]]:
        answers = []
        for new in observed:
            history += new
            answers.append(await answer(list(history)))
            history += answers[-1]
        return answers

    async def solve_all() -> Answers:
        return list(await asyncio.gather(*map(solve, histories, observations)))

    return asyncio.run(solve_all())


def _start(subject: Subject, load: MultiStepLoad) -> tuple[list[list[int]], list[list[list[int]]]]:
    prompt = load.prompt(subject.text_ids)
    return [list(prompt) for _ in range(load.trajectories)], load.observations(subject.text_ids)
