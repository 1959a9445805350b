"""What is measured, as data: the tables, their tasks and their arms. An arm is a set of model arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["CORPUS", "TABLES", "Arm", "Table"]

CORPUS = "{data}/rag/squad_corpus.jsonl.gz"
"""The knowledge base of the RAG table; `{data}` is the user's folder."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of answering.

    Attributes:
        name: As in the tables.
        args: Model arguments beside those of the model itself.
        num_fewshot: Worked examples of the task in the prompt; None: as the task says.
        tasks: Tasks of the table that it is run on; all when empty.
        max_docs: Most documents a task, for an arm that takes long; None: as many as the others.
    """

    name: str
    args: Mapping[str, str] = field(default_factory=dict)
    num_fewshot: int | None = None
    tasks: Sequence[str] = ()
    max_docs: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Some arms on some tasks; the first arm is what the others are compared with.

    Attributes:
        title: Above the table.
        tasks: Names for lm-eval.
        arms: The rows, for each task.
        columns: Names of `measure.COLUMNS`.
    """

    title: str
    tasks: Sequence[str]
    arms: Sequence[Arm]
    columns: Sequence[str]


DIRECT = Arm("direct", {"reasoner": "direct"})
THOUGHT = Arm("chain-of-thought", {"reasoner": "chain-of-thought"})
COSTS = ("calls", "new tokens", "computed tokens", "seconds")


def _rag(name: str, retriever: str, reasoner: str = "retrieve-then-read:top_k=1") -> Arm:
    return Arm(name, {"reasoner": reasoner, "retriever": retriever, "knowledge_base": CORPUS})


def _prompt(name: str, args: Mapping[str, str] | None = None) -> Arm:
    """The prompt preprocessed: the chunks of the long text that are nearest to the question, and these alone."""
    return Arm(name, {"reasoner": "retrieve-then-read:top_k=1", "retriever": "prompt", **(args or {})})


_COVERED = (
    *("gsm8k", "svamp", "gsm-hard"),
    *("popqa", "nq", "asqa", "squad"),
    *("prontoqa", "proofwriter", "logical-deduction"),
    *("tool-selection", "strategyqa", "babilong", "hotpotqa", "musique"),
)

TABLES: Mapping[str, Table] = {
    "arithmetic": Table(
        "Arithmetic word problems",
        ("lottery-paper-gsm8k", "lottery-paper-svamp"),
        (
            DIRECT,
            THOUGHT,
            Arm("program-aided, line", {"reasoner": "program-aided:style=line", "tools": "python"}),
            Arm("program-aided, steps", {"reasoner": "program-aided:style=steps", "tools": "python"}),
        ),
        ("acc", "difference", "answered", *COSTS),
    ),
    "rag": Table(
        "Open-domain SQuAD questions, 2,067 paragraphs as the knowledge base",
        ("lottery-paper-squad",),
        (
            Arm("plain", {"reasoner": "direct"}),
            _rag("bm25", "bm25"),
            _rag("dense", "dense"),
            _rag("bm25+dense", "bm25+dense"),
            _rag("adaptive, draft judged by the model", "bm25", "adaptive-retrieval:gate=proxy:top_k=1"),
            _rag("adaptive, draft judged by its words", "bm25", "adaptive-retrieval:gate=proxy:judge=words:top_k=1"),
        ),
        ("acc", "difference", "f1", "retrieval rate", "gold read", "retrieved tokens", "calls", "seconds"),
    ),
    "tools": Table(
        "Tool selection (BFCL)",
        ("lottery-paper-tool-selection",),
        (DIRECT, Arm("direct, 3 examples", {"reasoner": "direct"}, num_fewshot=3)),
        ("acc", "difference", "tool", "call", "abstention", *COSTS),
    ),
    "logic": Table(
        "Logic",
        ("lottery-paper-prontoqa", "lottery-paper-proofwriter", "lottery-paper-logical-deduction"),
        (
            DIRECT,
            THOUGHT,
            Arm(
                "logic-program",
                {"reasoner": "logic-program:max_tokens=384:refinements=1:closed_world=true", "tools": "logic"},
                tasks=("lottery-paper-prontoqa",),
            ),
            Arm(
                "logic-program",
                {"reasoner": "logic-program:max_tokens=384:refinements=1", "tools": "logic"},
                tasks=("lottery-paper-proofwriter", "lottery-paper-logical-deduction"),
                max_docs=20,
            ),
        ),
        ("acc", "difference", "answered", "acc of answered", *COSTS),
    ),
    "needle": Table(
        "Needles by length and depth: the maps are drawn by `lottery table needle`",
        ("lottery_needle",),
        (
            Arm("plain", {"reasoner": "direct"}),
            _prompt("preprocessed"),
            Arm("int8, plain", {"reasoner": "direct", "compression": "int8"}),
            _prompt("int8, preprocessed", {"compression": "int8"}),
        ),
        ("acc", "difference", *COSTS),
    ),
    "every-task": Table(
        "Every task of the paper's tables that has real rows, answered directly",
        tuple(f"lottery-paper-{name}" for name in _COVERED),
        tuple(Arm("direct", DIRECT.args, tasks=(f"lottery-paper-{name}",)) for name in _COVERED),
        ("score", "answered", *COSTS),
    ),
}
