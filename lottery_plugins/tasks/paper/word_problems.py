"""Paper table on arithmetic: the word problems of GSM8K, SVAMP, ASDiv, AddSub and MultiArith; beside it GSM-hard.

Source: Cobbe et al. 2021, arXiv:2110.14168; Patel et al. 2021, arXiv:2103.07191; Miao et al. 2020, arXiv:2106.15772;
Hosseini et al. 2014 (AddSub); Roy and Roth 2015, arXiv:1608.01413. The score and GSM-hard are those of PAL (Gao et al.
2022, arXiv:2211.10435): the last number equals the gold one within 0.001. Deviation: no worked examples in the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from lottery_plugins.tasks.paper_rows import RowSource, builder, one_split
from lottery_plugins.tasks.scoring import number_score, numbers, simplify
from lottery_plugins.tasks.splits import Row

__all__ = [
    "addsub_row",
    "asdiv_row",
    "build_addsub",
    "build_asdiv",
    "build_gsm8k",
    "build_gsm_hard",
    "build_multiarith",
    "build_svamp",
    "gsm8k_row",
    "gsm_hard_row",
    "multiarith_row",
    "score",
    "svamp_row",
]


def _addsub_of_the_hub() -> Iterable[Mapping[str, Any]]:
    """The set is a script, which `datasets` no longer runs; the hub keeps its rows, all splits, on this branch."""
    from datasets import load_dataset  # heavy, and needed only here

    files = "hf://datasets/allenai/lila@refs/convert/parquet/addsub/**/*.parquet"
    rows: Iterable[Mapping[str, Any]] = load_dataset("parquet", data_files=files, split="train")
    return rows


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
ASDIV = RowSource(
    task="lottery-paper-asdiv",
    file="asdiv",
    columns=("body", "question", "answer"),
    download=one_split("EleutherAI/asdiv", None, "validation"),
)
ADDSUB = RowSource(
    task="lottery-paper-addsub",
    file="addsub",
    columns=("input", "output_answer"),
    download=_addsub_of_the_hub,
)
MULTIARITH = RowSource(
    task="lottery-paper-multiarith",
    file="multiarith",
    columns=("question", "final_ans"),
    download=one_split("ChilleD/MultiArith", None, "train+test"),
)
GSM_HARD = RowSource(
    task="lottery-paper-gsm-hard",
    file="gsm_hard",
    columns=("input", "target"),
    download=one_split("reasoning-machines/gsm-hard", None, "train"),
)
_NUMBER_WITH_UNIT = re.compile(r"\s*(-?[\d,]+(?:\.\d+)?)\s*(?:\([^;]*\))?\s*")


def gsm8k_row(row: Mapping[str, Any]) -> Row:
    """One document; the gold number stands behind "####"."""
    solution, mark, number = row["answer"].rpartition("####")
    if not mark:
        raise ValueError("no #### in the column 'answer'")
    return {"question": row["question"].strip(), "answer": _plain(number), "solution": solution.strip()}


def svamp_row(row: Mapping[str, Any]) -> Row:
    """One document; body and question are joined by a blank, whatever stops the body lacks."""
    return {"id": row["ID"], "question": _joined(row["Body"], row["Question"]), "answer": _plain(row["Answer"])}


def asdiv_row(row: Mapping[str, Any]) -> Row | None:
    """One document; None where the answer is no single number, as PAL leaves them out. "9 (apples)" is 9."""
    found = _NUMBER_WITH_UNIT.fullmatch(row["answer"])
    question = _joined(row["body"], row["question"])
    return {"question": question, "answer": _plain(found[1])} if found else None


def addsub_row(row: Mapping[str, Any]) -> Row:
    """One document, from the hub's columns or PAL's, whose answer is called "target"."""
    answer = row["target"] if "target" in row else row["output_answer"]
    return {"question": _joined(row["input"]), "answer": _plain(answer)}


def multiarith_row(row: Mapping[str, Any]) -> Row:
    """One document."""
    return {"question": _joined(row["question"]), "answer": _plain(row["final_ans"])}


def gsm_hard_row(row: Mapping[str, Any]) -> Row:
    """One document: a problem of GSM8K with a large number in it; the gold value is what a program computed."""
    return {"question": row["input"].strip(), "answer": _plain(row["target"])}


build_gsm8k = builder("gsm8k", GSM8K, gsm8k_row)
build_svamp = builder("svamp", SVAMP, svamp_row)
build_asdiv = builder("asdiv", ASDIV, asdiv_row)
build_addsub = builder("addsub", ADDSUB, addsub_row)
build_multiarith = builder("multiarith", MULTIARITH, multiarith_row)
build_gsm_hard = builder("gsm_hard", GSM_HARD, gsm_hard_row)


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: the last number is the gold one within 0.001; `stated`: so is the one that the text calls its answer."""
    found = numbers(simplify(results[0]))
    is_right = bool(found) and abs(found[-1] - Fraction(doc["answer"])) < Fraction(1, 1000)
    return {"acc": float(is_right), "stated": number_score(results[0], doc["answer"])}


def _joined(*parts: str) -> str:
    return " ".join(" ".join(parts).split())


def _plain(number: object) -> str:
    """A number of a gold column without thousands commas and, where it is whole, without decimals."""
    value = Fraction(str(number).strip().replace(",", ""))
    return str(value.numerator) if value.denominator == 1 else str(float(value))
