"""Paper table on arithmetic: the word problems of GSM8K and SVAMP.

Source: Cobbe et al. 2021, arXiv:2110.14168; Patel et al. 2021, arXiv:2103.07191. The score is that of PAL (Gao et al.
2022, arXiv:2211.10435): the last number equals the gold one within 0.001. Deviation: no worked examples in the prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from lottery_plugins.tasks.knobs import read_knobs
from lottery_plugins.tasks.paper_rows import PaperKnobs, RowSource, one_split, read_rows, split_rows
from lottery_plugins.tasks.scoring import number_score, numbers, simplify
from lottery_plugins.tasks.splits import Row

__all__ = ["build_gsm8k", "build_svamp", "gsm8k_row", "score", "svamp_row"]

GSM8K = RowSource(
    task="lottery-paper-gsm8k",
    file="gsm8k",
    columns=("question", "answer"),
    download=one_split("openai/gsm8k", "main", "test"),
)
SVAMP = RowSource(
    task="lottery-paper-svamp",
    file="svamp",
    columns=("ID", "Body", "Question", "Answer"),
    download=one_split("ChilleD/SVAMP", None, "train+test"),
)


def build_gsm8k(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval.

    Raises:
        DataError: The rows can't be found or read.
    """
    knobs = read_knobs(PaperKnobs, "gsm8k", metadata)
    return split_rows("gsm8k", read_rows(GSM8K, data_dir, gsm8k_row), knobs, GSM8K)


def build_svamp(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval: all 1,000 problems, as PAL takes them.

    Raises:
        DataError: The rows can't be found or read.
    """
    knobs = read_knobs(PaperKnobs, "svamp", metadata)
    return split_rows("svamp", read_rows(SVAMP, data_dir, svamp_row), knobs, SVAMP)


def gsm8k_row(row: Mapping[str, Any]) -> Row:
    """One document; the gold number stands behind "####"."""
    solution, mark, number = row["answer"].rpartition("####")
    if not mark:
        raise ValueError("no #### in the column 'answer'")
    return {"question": row["question"].strip(), "answer": _plain(number), "solution": solution.strip()}


def svamp_row(row: Mapping[str, Any]) -> Row:
    """One document; body and question are joined by a blank, whatever stops the body lacks."""
    question = " ".join(f"{row['Body']} {row['Question']}".split())
    return {"id": row["ID"], "question": question, "answer": _plain(row["Answer"])}


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: the last number is the gold one within 0.001; `stated`: so is the one that the text calls its answer."""
    found = numbers(simplify(results[0]))
    is_right = bool(found) and abs(found[-1] - Fraction(doc["answer"])) < Fraction(1, 1000)
    return {"acc": float(is_right), "stated": number_score(results[0], doc["answer"])}


def _plain(number: object) -> str:
    """A number of a gold column without thousands commas and, where it is whole, without decimals."""
    value = Fraction(str(number).strip().replace(",", ""))
    return str(value.numerator) if value.denominator == 1 else str(float(value))
