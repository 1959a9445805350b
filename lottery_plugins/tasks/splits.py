"""From a generator to the splits that lm-eval reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from lottery_plugins.tasks.knobs import TaskKnobs
from lottery_plugins.tasks.randomness import Rng

__all__ = ["NUM_FEWSHOT_DOCS", "Row", "generate", "make_splits", "make_splits_by", "to_dataset"]

K = TypeVar("K", bound=TaskKnobs)

Row = dict[str, Any]
"""One document as lm-eval sees it; every row of a task has the same keys."""

NUM_FEWSHOT_DOCS = 20
"""Documents of the split that few-shot examples are drawn from."""


def generate(family: str, make: Callable[[Rng, int], Row], knobs: TaskKnobs, split: str, count: int) -> Iterable[Row]:
    """Documents 0 to count - 1 of a split; each depends on family, seed, split and its index alone."""
    for index in range(count):
        row = make(Rng("lottery", family, knobs.data_seed, split, index), index)
        yield {"id": f"{family}-{split}-{knobs.data_seed}-{index}", **row}


def make_splits(
    family: str,
    make: Callable[[Rng, int], Row],
    knobs: TaskKnobs,
    make_example: Callable[[Rng, int], Row] | None = None,
) -> dict[str, Any]:
    """The splits "test" and "train" (few-shot examples, from a stream of their own) as lm-eval wants them.

    Args:
        family: Name of the generator; part of every seed.
        make: One document from its random stream and index.
        knobs: How many documents, from which seed.
        make_example: Makes the few-shot documents instead of `make`, e.g. shorter ones.
    """
    return {
        "test": to_dataset(generate(family, make, knobs, "test", knobs.num_docs)),
        "train": to_dataset(generate(family, make_example or make, knobs, "train", NUM_FEWSHOT_DOCS)),
    }


def make_splits_by(
    family: str, knobs: K, made_by: Callable[[K], Callable[[Rng, int], Row]], *, easiest: str
) -> dict[str, Any]:
    """The same for a generator that follows knobs; few-shot examples take only the smallest level of one of them.

    Args:
        family: Name of the generator; part of every seed.
        knobs: How many documents, from which seed, and their levels.
        made_by: Gives for some knobs what makes one document from its random stream and index.
        easiest: The knob, a tuple of levels, of which examples have the smallest.
    """
    least: Any = {easiest: (min(getattr(knobs, easiest)),)}
    short = replace(knobs, **least)
    return make_splits(family, made_by(knobs), knobs, made_by(short))


def to_dataset(rows: Iterable[Row]) -> Any:
    """Rows as an in-memory `datasets.Dataset`, which is what lm-eval asks for features."""
    from datasets import Dataset  # heavy, and needed only inside lm-eval

    return Dataset.from_list(list(rows))
