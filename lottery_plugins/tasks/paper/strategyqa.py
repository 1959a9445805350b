"""StrategyQA: questions whose steps are not said, answered by yes or no.

Source: Geva et al. 2021, arXiv:2101.02235. Deviation: no worked examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.tasks.paper_rows import RowSource, builder, one_split
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row

__all__ = ["build", "make_row", "score"]

SOURCE = RowSource(
    task="lottery-paper-strategyqa",
    file="strategyqa_dev",
    columns=("qid", "question", "answer"),
    download=one_split("ChilleD/StrategyQA", None, "test"),
)
_WORDS = {True: "yes", False: "no"}


def make_row(row: Mapping[str, Any]) -> Row:
    """One document."""
    return {"id": row["qid"], "question": row["question"].strip(), "answer": _WORDS[row["answer"]]}


build = builder("strategyqa", SOURCE, make_row)


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: the first sentence that says yes or no says the right one alone."""
    return {"acc": value_score(results[0], [doc["answer"]], _WORDS.values())}
