"""Paper table on knowledge: questions without a text, to be answered from the weights or from a knowledge base.

PopQA, whose questions tell how well known their subject is; NQ-open; SQuAD's questions without their paragraph;
FreebaseQA, the factoid questions of LLM-KICK.

Source: Mallen et al. 2022, arXiv:2212.10511; Lee et al. 2019, arXiv:1906.00300; Rajpurkar et al. 2016,
arXiv:1606.05250; Jiang et al. 2019, NAACL (N19-1028), in LLM-KICK (Jaiswal et al. 2023, arXiv:2310.01382).
Deviation: an accepted answer must occur as whole words, punctuation and case aside; PopQA takes any substring, and for
PopQA articles count. NQ-open's own score is `exact_match`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.tasks.paper.matching import answer_scores, is_named, normalize
from lottery_plugins.tasks.paper_rows import RowSource, builder, one_split
from lottery_plugins.tasks.splits import Row

__all__ = [
    "build_freebaseqa",
    "build_nq",
    "build_popqa",
    "build_squad",
    "freebaseqa_row",
    "nq_row",
    "popqa_row",
    "score",
    "score_popqa",
    "squad_row",
]

POPQA = RowSource(
    task="lottery-paper-popqa",
    file="popqa_1k",
    columns=("id", "question", "possible_answers", "s_pop"),
    download=one_split("akariasai/PopQA", None, "test"),
)
NQ = RowSource(
    task="lottery-paper-nq",
    file="nq_open",
    columns=("question", "answer"),
    download=one_split("google-research-datasets/nq_open", None, "validation"),
)
SQUAD = RowSource(
    task="lottery-paper-squad", file="rag/squad_questions", columns=("id", "question", "answers", "gold_id")
)
FREEBASEQA = RowSource(
    task="lottery-paper-freebaseqa", file="freebase_qa", columns=("Question-ID", "RawQuestion", "Parses")
)


def popqa_row(row: Mapping[str, Any]) -> Row:
    """One document; `popularity` is the page views a month of the question's subject."""
    answers = _accepted(json.loads(row["possible_answers"]), "possible_answers")
    document = {"id": str(row["id"]), "question": row["question"].strip(), "answers": answers, "answer": answers[0]}
    return {**document, "popularity": float(row["s_pop"])}


def nq_row(row: Mapping[str, Any]) -> Row | None:
    """One document; NQ's questions have neither capital nor question mark. None: its only answer is "---"."""
    answers = [answer for answer in _accepted(row["answer"], "answer") if normalize(answer)]
    if not answers:
        return None
    question = row["question"].strip()
    question = question[:1].upper() + question[1:].rstrip("?") + "?"
    return {"question": question, "answers": answers, "answer": answers[0]}


def squad_row(row: Mapping[str, Any]) -> Row:
    """One document."""
    kept = {column: row[column] for column in SQUAD.columns}
    return {**kept, "answer": _accepted(row["answers"], "answers")[0]}


def freebaseqa_row(row: Mapping[str, Any]) -> Row:
    """One document; the answers of all parses count."""
    names = [name for parse in row["Parses"] for answer in parse["Answers"] for name in answer["AnswersName"]]
    answers = list(dict.fromkeys(_accepted(names, "Parses")))
    return {"id": row["Question-ID"], "question": row["RawQuestion"].strip(), "answers": answers, "answer": answers[0]}


build_popqa = builder("popqa", POPQA, popqa_row)
build_nq = builder("nq", NQ, nq_row)
build_squad = builder("squad", SQUAD, squad_row)
build_freebaseqa = builder("freebaseqa", FREEBASEQA, freebaseqa_row)


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: an accepted answer occurs in the output as whole words; also exact match and F1, best over answers."""
    return answer_scores(results[0], doc["answers"])


def score_popqa(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: an accepted answer occurs in the output as whole words."""
    said = _words(results[0])
    return {"acc": float(any(is_named(said, _words(gold)) for gold in doc["answers"]))}


def _accepted(answers: object, column: str) -> list[str]:
    if not isinstance(answers, list) or not answers:
        raise ValueError(f"no list of answers in the column {column!r}")
    return [str(answer) for answer in answers]


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
