"""Summaries of news, the in-context summarisation of LLM-KICK.

Source: CNN/DailyMail 3.0.0 (See et al. 2017, arXiv:1704.04368) in LLM-KICK (Jaiswal et al. 2023, arXiv:2310.01382).
Deviation: LLM-KICK asks GPT-4 for a judgement; here ROUGE (Lin 2004) against the highlights stands in, by rouge-score
with Porter's stemmer. It rewards shared words and knows nothing of truth or style.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from lottery_plugins.tasks.paper_rows import RowSource, builder, one_split
from lottery_plugins.tasks.splits import Row

__all__ = ["QUESTION", "build", "make_row", "score"]

SOURCE = RowSource(
    task="lottery-paper-summaries",
    file="cnn_dailymail",
    columns=("id", "article", "highlights"),
    download=one_split("abisee/cnn_dailymail", "3.0.0", "test"),
)
QUESTION = "What are the main points of this text? Sum them up in three short sentences."
_KINDS = {"rouge_l": "rougeL", "rouge_1": "rouge1", "rouge_2": "rouge2"}


def make_row(row: Mapping[str, Any]) -> Row:
    """One document; a highlight a line becomes a sentence each."""
    highlights = " ".join(row["highlights"].split())
    if not highlights:
        raise ValueError("nothing in the column 'highlights'")
    return {"id": row["id"], "context": row["article"].strip(), "question": QUESTION, "answer": highlights}


build = builder("summaries", SOURCE, make_row)


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """ROUGE-L, ROUGE-1 and ROUGE-2, each as F measure."""
    found = _scorer().score(doc["answer"], results[0])
    return {name: float(found[kind].fmeasure) for name, kind in _KINDS.items()}


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]  # brings nltk; needed only here

    return RougeScorer(list(_KINDS.values()), use_stemmer=True)
