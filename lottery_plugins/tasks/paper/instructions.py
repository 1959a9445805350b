"""Instructions whose following can be checked by code, for LLM-KICK's instruction following.

Source: IFEval (Zhou et al. 2023, arXiv:2311.07911), `google/IFEval`, the strict reading. LLM-KICK (arXiv:2310.01382)
asks GPT-4 to judge MT-Bench instead. Deviation: the checks are those of `instruction_checks`; a row that asks for
another one (a language other than English) is left out. `followed` is the mean over prompts, not over instructions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.tasks.paper.instruction_checks import CHECKS, Wish
from lottery_plugins.tasks.paper_rows import RowSource, builder, one_split
from lottery_plugins.tasks.splits import Row

__all__ = ["build", "make_row", "score"]

SOURCE = RowSource(
    task="lottery-paper-instructions",
    file="ifeval",
    columns=("key", "prompt", "instruction_id_list", "kwargs"),
    download=one_split("google/IFEval", None, "train"),
)
_LEFT_OUT = ("language:response_language",)


def make_row(row: Mapping[str, Any]) -> Row | None:
    """One document; None where an instruction can't be checked here. There is no gold answer."""
    names, values = row["instruction_id_list"], row["kwargs"]
    if any(name in _LEFT_OUT for name in names):
        return None
    stated = [{key: value for key, value in given.items() if value is not None} for given in values]
    wishes = [Wish(name, given) for name, given in zip(names, stated, strict=True)]
    if not wishes:
        raise ValueError("no instruction in the column 'instruction_id_list'")
    for wish in wishes:
        CHECKS[wish.name]("", wish)  # a check that lacks its numbers or words fails here, with the row's line
    return {
        "id": str(row["key"]),
        "question": row["prompt"].strip(),
        "wishes": [wish.to_json() for wish in wishes],
        "answer": "",
    }


build = builder("instructions", SOURCE, make_row)


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: all instructions are followed; `followed`: the share that are. An empty answer follows none."""
    reply = results[0]
    wishes = map(Wish.from_json, doc["wishes"])
    kept = [bool(reply.strip()) and CHECKS[wish.name](reply, wish) for wish in wishes]
    return {"acc": float(all(kept)), "followed": sum(kept) / len(kept)}
