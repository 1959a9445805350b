"""Questions with lettered options: the paper's table on logic, and MMLU of LLM-KICK.

Source: PrOntoQA (Saparov and He 2022, arXiv:2210.01240); ProofWriter (Tafjord et al. 2021, arXiv:2012.13048; open
world, depth 5); FOLIO (Han et al. 2022, arXiv:2209.00840); logical deductions of BIG-bench (arXiv:2206.04615); AR-LSAT
(Zhong et al. 2021, arXiv:2104.06598); all as Logic-LM poses them (Pan et al. 2023, arXiv:2305.12295). MMLU: Hendrycks
et al. 2021, arXiv:2009.03300. Deviation: no worked examples; MMLU's letter is written, not the likeliest of four.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.tasks.paper_rows import RowSource, builder, one_split
from lottery_plugins.tasks.scoring import answer_span
from lottery_plugins.tasks.splits import Row

__all__ = [
    "ar_lsat_row",
    "build_ar_lsat",
    "build_folio",
    "build_logical_deduction",
    "build_mmlu",
    "build_prontoqa",
    "build_proofwriter",
    "folio_row",
    "logic_row",
    "mmlu_row",
    "score",
]

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
FOLIO = RowSource(
    task="lottery-paper-folio",
    file="logic/folio_dev",
    columns=("premises", "conclusion", "label"),
    download=one_split("tasksource/folio", None, "validation"),
)
LOGICAL_DEDUCTION = RowSource(
    task="lottery-paper-logical-deduction", file="logic/logical_deduction_dev", columns=_COLUMNS
)
AR_LSAT = RowSource(
    task="lottery-paper-ar-lsat",
    file="logic/ar_lsat_test",
    columns=("query", "choices", "gold"),
    download=one_split("hails/agieval-lsat-ar", None, "test"),
)
MMLU = RowSource(
    task="lottery-paper-mmlu",
    file="mmlu",
    columns=("question", "subject", "choices", "answer"),
    download=one_split("cais/mmlu", "all", "test"),
)
_LETTERS = "ABCDEFG"
_LETTER = re.compile(r"(?<!\w)\(?([A-G])(?:[).:,]|\s*$)|\b(?:option|choice|letter|statement)\s+\(?([A-G])\b")
_OPTION = re.compile(r"([A-G])\)\s*(\S.*)")
_LSAT_QUERY = re.compile(r"(?s)(.*\S)\s*Q:\s*(.*?)\s*Answer Choices:.*")
_FOLIO_LABELS = {"True": "A", "False": "B", "Uncertain": "C", "Unknown": "C"}


def logic_row(row: Mapping[str, Any]) -> Row:
    """One document; its options stand in the question, a line each, so that every reasoner sees them."""
    options = [" ".join(str(option).split()) for option in row["options"]]
    letters = [found[1] for option in options if (found := _OPTION.fullmatch(option))]
    if len(letters) != len(options) or row["answer"] not in letters:
        raise ValueError(f"the answer {row['answer']!r} is the letter of no option")
    return {
        "id": str(row["id"]),
        "context": row["context"].strip(),
        "question": "\n".join([row["question"].strip(), "Options:", *options]),
        "options": options,
        "answer": row["answer"],
    }


def folio_row(row: Mapping[str, Any]) -> Row:
    """One document, from the hub's columns or Logic-LM's."""
    if "options" in row:
        return logic_row(row)
    premises = row["premises"]
    lines = premises.splitlines() if isinstance(premises, str) else premises
    asked = "Based on the above information, is the following statement true, false, or uncertain?"
    return logic_row(
        {
            "id": row.get("example_id", ""),
            "context": " ".join(line.strip() for line in lines if line.strip()),
            "question": f"{asked} {row['conclusion'].strip()}",
            "options": ["A) True", "B) False", "C) Uncertain"],
            "answer": _FOLIO_LABELS[row["label"].strip()],
        }
    )


def ar_lsat_row(row: Mapping[str, Any]) -> Row:
    """One document, from the hub's columns (those of AGIEval) or Logic-LM's."""
    if "options" in row:
        return logic_row(row)
    found = _LSAT_QUERY.fullmatch(row["query"])
    if found is None:
        raise ValueError("no text, 'Q:', question and 'Answer Choices:' in the column 'query'")
    (gold,) = row["gold"] if isinstance(row["gold"], list) else [row["gold"]]
    options = [re.sub(r"^\(([A-G])\)\s*", r"\1) ", choice) for choice in row["choices"]]
    return logic_row(
        {"id": "", "context": found[1], "question": found[2], "options": options, "answer": _LETTERS[gold]}
    )


def mmlu_row(row: Mapping[str, Any]) -> Row:
    """One document with its subject."""
    options = [f"{letter}) {choice}" for letter, choice in zip(_LETTERS, row["choices"], strict=False)]
    document = logic_row(
        {"id": "", "context": "", "question": row["question"], "options": options, "answer": _LETTERS[row["answer"]]}
    )
    return {**document, "subject": row["subject"]}


build_prontoqa = builder("prontoqa", PRONTOQA, logic_row)
build_proofwriter = builder("proofwriter", PROOFWRITER, logic_row)
build_folio = builder("folio", FOLIO, folio_row)
build_logical_deduction = builder("logical_deduction", LOGICAL_DEDUCTION, logic_row)
build_ar_lsat = builder("ar_lsat", AR_LSAT, ar_lsat_row)
build_mmlu = builder("mmlu", MMLU, mmlu_row)


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
