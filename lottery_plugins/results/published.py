"""The paper's tables: their columns as tasks of ours, and the figures as published, in per cent.

Source: Tang et al. 2025, "The Lottery LLM Hypothesis", arXiv:2502.17535, ICLR blog track, which collects them from PAL
(arXiv:2211.10435), Logic-LM (arXiv:2305.12295) and work on retrieval. They are for
comparison of the gain, not of the level: other and larger models, with worked examples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["TABLES", "Column", "PaperTable", "PublishedRow"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the published name, and what stands in it of a run."""

    header: str
    task: str
    metric: str = "acc"


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A method with its published figures in per cent, in the order of the columns; None: not published."""

    method: str
    figures: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class PaperTable:
    """One table of the paper."""

    title: str
    source: str
    columns: Sequence[Column]
    published: Sequence[PublishedRow]


_PAPER = "Tang et al. 2025, arXiv:2502.17535"

TABLES: Mapping[str, PaperTable] = {
    "arithmetic": PaperTable(
        "Arithmetic reasoning, accuracy in %",
        f"{_PAPER}, from PAL, arXiv:2211.10435",
        (
            Column("GSM8K", "lottery-paper-gsm8k"),
            Column("SVAMP", "lottery-paper-svamp"),
            Column("ASDIV", "lottery-paper-asdiv"),
            Column("ADDSUB", "lottery-paper-addsub"),
            Column("MULTIARITH", "lottery-paper-multiarith"),
        ),
        (
            PublishedRow("Direct, Codex", (19.7, 69.9, 74.0, 90.9, 44.0)),
            PublishedRow("CoT, UL2-20B", (4.1, 12.6, 16.9, 18.2, 10.7)),
            PublishedRow("CoT, LaMDA-137B", (17.1, 39.9, 49.0, 52.9, 51.8)),
            PublishedRow("CoT, Codex", (65.6, 74.8, 76.9, 86.0, 95.9)),
            PublishedRow("CoT, PaLM-540B", (56.9, 79.0, 73.9, 91.9, 94.7)),
            PublishedRow("CoT, Minerva-540B", (58.8, None, None, None, None)),
            PublishedRow("PAL, Codex + Python", (72.0, 79.4, 79.6, 92.5, 99.2)),
        ),
    ),
    "knowledge": PaperTable(
        "Knowledge, without and with retrieval, in %",
        _PAPER,
        (
            Column("PopQA (acc)", "lottery-paper-popqa"),
            Column("NQ (acc)", "lottery-paper-nq"),
            Column("ASQA (str-em)", "lottery-paper-asqa", "str_em"),
            Column("ASQA (hit)", "lottery-paper-asqa", "hit"),
        ),
        (
            PublishedRow("Llama-3-Instruct-8B, without retrieval", (24.8, 44.0, 28.8, 7.8)),
            PublishedRow("Llama-3-Instruct-70B, without retrieval", (31.6, 54.4, 36.4, 11.2)),
            PublishedRow("GPT-4o-mini, without retrieval", (32.4, 53.2, 32.4, 8.0)),
            PublishedRow("Llama-3-Instruct-8B, with retrieval", (59.8, 54.0, 38.8, 14.0)),
        ),
    ),
    "logic": PaperTable(
        "Logical reasoning, plain and with a solver, accuracy in %",
        f"{_PAPER}, from Logic-LM, arXiv:2305.12295",
        (
            Column("PrOntoQA", "lottery-paper-prontoqa"),
            Column("ProofWriter", "lottery-paper-proofwriter"),
            Column("FOLIO", "lottery-paper-folio"),
            Column("LogicalDeduction", "lottery-paper-logical-deduction"),
            Column("AR-LSAT", "lottery-paper-ar-lsat"),
        ),
        (
            PublishedRow("gpt-3.5-turbo", (47.4, 35.5, 45.1, 40.0, 20.3)),
            PublishedRow("gpt-3.5-turbo, Logic-LM", (61.0, 58.3, 62.7, 65.7, 26.4)),
            PublishedRow("text-davinci-003", (51.8, 36.2, 54.6, 41.3, 22.5)),
            PublishedRow("text-davinci-003, Logic-LM", (85.0, 71.5, 61.3, 62.0, 25.5)),
            PublishedRow("gpt-4", (77.4, 52.7, 69.1, 71.3, 33.3)),
            PublishedRow("gpt-4, Logic-LM", (83.2, 79.7, 78.9, 87.6, 43.0)),
        ),
    ),
}
