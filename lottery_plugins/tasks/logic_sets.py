"""Paper table on logic: PrOntoQA, ProofWriter and the logical deductions of BIG-bench, as Logic-LM poses them.

Source: Saparov and He 2022, arXiv:2210.01240; Tafjord et al. 2021, arXiv:2012.13048 (open world, depth 5); BIG-bench,
arXiv:2206.04615; the rows are those of Pan et al. 2023, Logic-LM, arXiv:2305.12295. Deviation: no worked examples.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.tasks.knobs import read_knobs
from lottery_plugins.tasks.paper_rows import PaperKnobs, RowSource, one_split, read_rows, split_rows
from lottery_plugins.tasks.scoring import answer_span
from lottery_plugins.tasks.splits import Row

__all__ = ["build_logical_deduction", "build_prontoqa", "build_proofwriter", "make_row", "score"]

_COLUMNS = ("id", "context", "question", "options", "answer")
PRONTOQA = RowSource(
    task="lottery-paper-prontoqa",
    file="logic/prontoqa_dev",
    columns=_COLUMNS,
    download=one_split("renma/ProntoQA", None, "validation"),
)
PROOFWRITER = RowSource(
    task="lottery-paper-proofwriter",
    file="logic/proofwriter_dev",
    columns=_COLUMNS,
    download=one_split("renma/ProofWriter", None, "validation"),
)
LOGICAL_DEDUCTION = RowSource(
    task="lottery-paper-logical-deduction", file="logic/logical_deduction_dev", columns=_COLUMNS
)
_LETTER = re.compile(r"(?<!\w)\(?([A-G])(?:[).:,]|\s*$)|\b(?:option|choice|letter|statement)\s+\(?([A-G])\b")
_OPTION = re.compile(r"([A-G])\)\s*(\S.*)")


def build_prontoqa(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval. Raises DataError when the rows can't be found or read."""
    return _build(PRONTOQA, "prontoqa", data_dir, metadata)


def build_proofwriter(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval. Raises DataError when the rows can't be found or read."""
    return _build(PROOFWRITER, "proofwriter", data_dir, metadata)


def build_logical_deduction(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval. Raises DataError when the rows can't be found or read."""
    return _build(LOGICAL_DEDUCTION, "logical_deduction", data_dir, metadata)


def _build(source: RowSource, family: str, data_dir: str | None, metadata: Mapping[str, Any]) -> dict[str, Any]:
    knobs = read_knobs(PaperKnobs, family, metadata)
    return split_rows(family, read_rows(source, data_dir, make_row), knobs, source)


def make_row(row: Mapping[str, Any]) -> Row:
    """One document; its options stand in the question, a line each, so that every reasoner sees them."""
    options = [str(option).strip() for option in row["options"]]
    letters = [found[1] for option in options if (found := _OPTION.fullmatch(option))]
    if len(letters) != len(options) or row["answer"] not in letters:
        raise ValueError(f"the answer {row['answer']!r} is the letter of no option")
    return {
        "id": row["id"],
        "context": row["context"].strip(),
        "question": "\n".join([row["question"].strip(), "Options:", *options]),
        "options": options,
        "answer": row["answer"],
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: the answer names the gold letter, or without any letter the gold option's words, and no other."""
    span = answer_span(results[0])
    options = {found[1]: found[2] for option in doc["options"] if (found := _OPTION.fullmatch(option))}
    named = {first or second for first, second in _LETTER.findall(span)}
    if not named:
        named = {letter for letter, words in options.items() if _says(span, words)}
    return {"acc": float(named == {doc["answer"]})}


def _says(span: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words.rstrip('.'))}(?!\w)", span, re.IGNORECASE) is not None
