"""Paper table on knowledge: ASQA, questions that can be read in several ways, all of which are to be answered.

Source: Stelmakh et al. 2022, arXiv:2204.06092; `str_em` and `hit` as in ALCE (Gao et al. 2023, arXiv:2305.14627).
Deviation: a short answer must occur as whole words; ALCE takes any substring. A gold answer of a worked example is the
list of short answers, not the long text. Long answers are not compared (no ROUGE, no model that reads them).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.tasks.paper.matching import is_named, normalize
from lottery_plugins.tasks.paper_rows import RowSource, builder, one_split
from lottery_plugins.tasks.splits import Row

__all__ = ["build", "make_row", "score"]

SOURCE = RowSource(
    task="lottery-paper-asqa",
    file="asqa_dev",
    columns=("sample_id", "ambiguous_question", "qa_pairs"),
    download=one_split("din0s/asqa", None, "dev"),
)


def make_row(row: Mapping[str, Any]) -> Row:
    """One document; `readings` holds the accepted short answers to each reading of the question."""
    readings = [[str(answer) for answer in pair["short_answers"]] for pair in row["qa_pairs"]]
    if not readings or not all(any(map(normalize, answers)) for answers in readings):
        raise ValueError("no short answers to each question of the column 'qa_pairs'")
    return {
        "id": str(row["sample_id"]),
        "question": row["ambiguous_question"].strip(),
        "readings": readings,
        "answer": "; ".join(dict.fromkeys(next(filter(normalize, answers)) for answers in readings)),
    }


build = builder("asqa", SOURCE, make_row)


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`str_em`: share of the readings that have an accepted answer in the output; `hit`: all of them have."""
    said = normalize(results[0])
    found = [any(is_named(said, normalize(answer)) for answer in answers) for answers in doc["readings"]]
    return {"str_em": sum(found) / len(found), "hit": float(all(found))}
