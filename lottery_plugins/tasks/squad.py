"""Paper table on knowledge: open-domain questions of SQuAD, for a knowledge base that the run names.

Source: Rajpurkar et al. 2016, arXiv:1606.05250; the normalisation, EM and F1 follow its official evaluation script.
Deviation: the paragraph is not given, so the task measures knowledge or retrieval. The rows are the user's own file.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.tasks.knobs import read_knobs
from lottery_plugins.tasks.paper_rows import PaperKnobs, RowSource, read_rows, split_rows
from lottery_plugins.tasks.splits import Row

__all__ = ["build", "normalize", "score"]

SOURCE = RowSource(
    task="lottery-paper-squad", file="rag/squad_questions", columns=("id", "question", "answers", "gold_id")
)


def build(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval.

    Raises:
        DataError: No folder is named, or its file is missing or broken.
    """
    knobs = read_knobs(PaperKnobs, "squad", metadata)
    return split_rows("squad", read_rows(SOURCE, data_dir, make_row), knobs, SOURCE)


def make_row(row: Mapping[str, Any]) -> Row:
    """One document."""
    kept = {column: row[column] for column in SOURCE.columns}
    if not isinstance(kept["answers"], list) or not kept["answers"]:
        raise ValueError("no list of answers in the column 'answers'")
    return {**kept, "answer": kept["answers"][0]}


def normalize(text: str) -> str:
    """Lower case, without punctuation, articles and surplus blanks."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: an accepted answer occurs in the output as whole words; also exact match and F1, best over answers."""
    said = normalize(results[0])
    golds = [gold for gold in map(normalize, doc["answers"]) if gold]
    return {
        "acc": float(any(f" {gold} " in f" {said} " for gold in golds)),
        "exact_match": float(said in golds),
        "f1": max((_f1(said.split(), gold.split()) for gold in golds), default=0.0),
    }


def _f1(said: Sequence[str], gold: Sequence[str]) -> float:
    shared = sum((Counter(said) & Counter(gold)).values())
    return 2 * shared / (len(said) + len(gold)) if shared else 0.0
