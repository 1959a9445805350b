"""What is asked of a model: token ids, made from a seed, the same for every way of answering. Knows no torch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MultiStepLoad", "OneStepLoad", "ScoringLoad", "pieces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiStepLoad:
    """Trajectories that share a tool prompt and take steps: read an observation, generate, read the next one.

    Attributes:
        trajectories: How many.
        steps: Steps of each.
        shared: Tokens of the prompt that all begin with.
        observed: Tokens that a step appends before it generates.
        generated: Tokens that a step generates, always as many.
        seed: Of the choice of tokens.
    """

    trajectories: int = 32
    steps: int = 4
    shared: int = 400
    observed: int = 60
    generated: int = 24
    seed: int = 0

    @property
    def ideal_forwarded(self) -> int:
        """Tokens through the model if none is computed twice: the last token of a trajectory need not be computed."""
        per_trajectory = self.steps * (self.observed + self.generated) - 1
        return self.shared + self.trajectories * per_trajectory

    @property
    def generated_total(self) -> int:
        """Tokens drawn by all."""
        return self.trajectories * self.steps * self.generated

    @property
    def longest(self) -> int:
        """Tokens of a trajectory at its end."""
        return self.shared + self.steps * (self.observed + self.generated)

    def prompt(self, ids: Sequence[int]) -> list[int]:
        """The shared prompt, from the ids of a long text."""
        return pieces(ids, [self.shared], self.seed)[0]

    def observations(self, ids: Sequence[int]) -> list[list[list[int]]]:
        """By trajectory and step: what is read. Trajectories begin with different tokens while there are enough."""
        rows = pieces(ids, [self.observed] * (self.trajectories * self.steps), self.seed + 1)
        return [
            [_marked(rows[t * self.steps + s], ids, t) for s in range(self.steps)] for t in range(self.trajectories)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneStepLoad:
    """Prompts of uneven length, one answer each, that ends at a stop token or after `most` tokens."""

    prompts: int = 64
    shortest: int = 16
    longest: int = 512
    most: int = 64
    seed: int = 0

    def rows(self, ids: Sequence[int]) -> list[list[int]]:
        """The prompts; lengths are spread evenly and shuffled."""
        lengths = _spread(self.prompts, self.shortest, self.longest, self.seed)
        return [_marked(row, ids, i) for i, row in enumerate(pieces(ids, lengths, self.seed))]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringLoad:
    """Contexts of uneven length with several continuations each, as in a multiple-choice task."""

    contexts: int = 64
    choices: int = 4
    shortest: int = 16
    longest: int = 512
    longest_choice: int = 12
    seed: int = 0

    def pairs(self, ids: Sequence[int]) -> list[tuple[list[int], list[int]]]:
        """Context and continuation of each request; those of one context follow each other."""
        lengths = _spread(self.contexts, self.shortest, self.longest, self.seed)
        contexts = [_marked(row, ids, i) for i, row in enumerate(pieces(ids, lengths, self.seed))]
        drawn = random.Random(self.seed + 2)
        sizes = [drawn.randint(1, self.longest_choice) for _ in range(self.contexts * self.choices)]
        choices = pieces(ids, sizes, self.seed + 3)
        return [(contexts[i // self.choices], choice) for i, choice in enumerate(choices)]


def pieces(ids: Sequence[int], lengths: Sequence[int], seed: int) -> list[list[int]]:
    """Stretches of a text, which is read in a circle, from places drawn with a seed."""
    drawn = random.Random(seed)
    rows = []
    for length in lengths:
        start = drawn.randrange(len(ids))
        rows.append([ids[(start + i) % len(ids)] for i in range(length)])
    return rows


def _marked(row: list[int], ids: Sequence[int], number: int) -> list[int]:
    """The row with a first token of its own, so that rows share no more than they are meant to."""
    different = sorted(set(ids))
    return [different[number % len(different)], *row[1:]]


def _spread(num: int, low: int, high: int, seed: int) -> list[int]:
    lengths = [low + (high - low) * i // max(num - 1, 1) for i in range(num)]
    random.Random(seed).shuffle(lengths)
    return lengths
