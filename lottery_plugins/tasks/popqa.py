"""Paper table on knowledge: PopQA, whose questions tell how well known their subject is.

Source: Mallen et al. 2022, arXiv:2212.10511. Deviation: an accepted answer must occur as whole words, case and
punctuation aside; the paper takes any substring.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.tasks.knobs import read_knobs
from lottery_plugins.tasks.paper_rows import PaperKnobs, RowSource, one_split, read_rows, split_rows
from lottery_plugins.tasks.splits import Row

__all__ = ["build", "make_row", "score"]

SOURCE = RowSource(
    task="lottery-paper-popqa",
    file="popqa_1k",
    columns=("id", "question", "possible_answers", "s_pop"),
    download=one_split("akariasai/PopQA", None, "test"),
)


def build(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval.

    Raises:
        DataError: The rows can't be found or read.
    """
    knobs = read_knobs(PaperKnobs, "popqa", metadata)
    return split_rows("popqa", read_rows(SOURCE, data_dir, make_row), knobs, SOURCE)


def make_row(row: Mapping[str, Any]) -> Row:
    """One document; `popularity` is the page views a month of the question's subject."""
    answers = json.loads(row["possible_answers"])
    if not isinstance(answers, list) or not answers:
        raise ValueError("no list of answers in the column 'possible_answers'")
    return {
        "id": str(row["id"]),
        "question": row["question"].strip(),
        "answers": [str(answer) for answer in answers],
        "answer": str(answers[0]),
        "popularity": float(row["s_pop"]),
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: an accepted answer occurs in the output as whole words."""
    said = _words(results[0])
    golds = filter(None, map(_words, doc["answers"]))
    return {"acc": float(any(f" {gold} " in f" {said} " for gold in golds))}


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
