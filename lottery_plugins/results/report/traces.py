"""The samples as the page holds them: a small index, and compressed blocks of text that are opened when looked at."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lottery_plugins.results.report.documents import ArmAnswer, Sample

__all__ = ["Traces", "packed"]

_BLOCK = 64  # samples
_SHOWN = 160  # characters of a text in the index, which the search reads


@dataclass(slots=True)
class Traces:
    """Collects samples.

    Attributes:
        arms: Names, in the order of the page's columns.
        index: A row per sample: task, number, question and target in short, fields, and for each arm score, answer in
            short, stop reason, and whether it failed; None where an arm has no answer.
        blocks: Compressed lists of samples with all their text, `_BLOCK` each, in the order of the index.
    """

    arms: Sequence[str]
    index: list[Mapping[str, Any]] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    _open: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """One more sample."""
        answers = [sample.answers.get(arm) for arm in self.arms]
        self.index.append(
            {
                "task": sample.task,
                "number": sample.number,
                "question": _short(sample.question),
                "target": _short(sample.target),
                "fields": dict(sample.fields),
                "arms": [answer and _in_short(answer) for answer in answers],
            }
        )
        whole = {"question": sample.question, "target": sample.target, "prompt": sample.prompt}
        self._open.append({**whole, "arms": [answer and _whole(answer) for answer in answers]})
        if len(self._open) == _BLOCK:
            self._close()

    def finish(self) -> None:
        """Close the last block."""
        if self._open:
            self._close()

    def _close(self) -> None:
        self.blocks.append(packed(self._open))
        self._open = []

    @property
    def block_size(self) -> int:
        """Samples a block."""
        return _BLOCK


def packed(data: Any) -> str:
    """JSON, gzip, base64; the same data give the same text."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return base64.b64encode(gzip.compress(text, mtime=0)).decode("ascii")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}\u2026"


def _in_short(answer: ArmAnswer) -> dict[str, Any]:
    return {
        "score": answer.score,
        "answer": _short(answer.answer),
        "failed": answer.failed,
        "stop": answer.stop_reason,
    }


def _whole(answer: ArmAnswer) -> dict[str, Any]:
    steps = [{name: value for name, value in step.items() if value not in ("", None, [], 0)} for step in answer.steps]
    return {"answer": answer.answer, "seconds": answer.seconds, "steps": steps}
