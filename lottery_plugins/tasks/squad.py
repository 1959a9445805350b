"""Paper table on knowledge: open-domain questions of SQuAD, for a knowledge base that the run names.

Source: Rajpurkar et al. 2016, arXiv:1606.05250; the normalisation, EM and F1 follow its official evaluation script.
Deviation: the paragraph is not given, so the task measures knowledge or retrieval. The rows are the user's own file.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.splits import NUM_FEWSHOT_DOCS, Row, to_dataset

__all__ = ["SquadKnobs", "build", "normalize", "score"]

FILE = Path("rag") / "squad_questions.dev.jsonl.gz"
_HINT = 'Set LOTTERY_DATA_DIR, or pass --metadata \'{"data_dir": "..."}\', to the folder that holds ' + str(FILE) + "."
_COLUMNS = ("id", "question", "answers", "gold_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class SquadKnobs(TaskKnobs):
    """Knobs of the SQuAD task; `data_seed` draws which rows come first.

    Attributes:
        num_docs: Most questions of the test split; all rows when there are fewer.
    """

    num_docs: int = knob(1_000_000, 1, 1_000_000)


def build(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval: the file's rows in a fixed random order, the last ones kept for few-shot.

    Raises:
        DataError: No folder is named, or its file is missing or broken.
    """
    knobs = read_knobs(SquadKnobs, "squad", metadata)
    folder = data_dir or os.environ.get("LOTTERY_DATA_DIR")
    if not folder:
        raise DataError("Task lottery-paper-squad", "needs a data folder and none is named", _HINT)
    rows = Rng("squad", knobs.data_seed).shuffled(_read(Path(folder) / FILE))
    if len(rows) <= NUM_FEWSHOT_DOCS:
        raise DataError(str(Path(folder) / FILE), f"has {len(rows)} rows, needed are over {NUM_FEWSHOT_DOCS}", _HINT)
    test, train = rows[:-NUM_FEWSHOT_DOCS], rows[-NUM_FEWSHOT_DOCS:]
    return {"test": to_dataset(test[: knobs.num_docs]), "train": to_dataset(train)}


def _read(path: Path) -> list[Row]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return [_row(path, number, line) for number, line in enumerate(lines, 1)]
    except FileNotFoundError:
        raise DataError(str(path), "does not exist", _HINT) from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(str(path), f"can't be read as gzip text ({error})", _HINT) from None


def _row(path: Path, number: int, line: str) -> Row:
    try:
        row = json.loads(line)
        kept = {column: row[column] for column in _COLUMNS}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}, line {number}", f"is no row with {', '.join(_COLUMNS)} ({error!r})") from None
    if not isinstance(kept["answers"], list) or not kept["answers"]:
        raise DataError(f"{path}, line {number}", "has no list of answers in the column 'answers'")
    return {**kept, "answer": kept["answers"][0]}


def normalize(text: str) -> str:
    """Lower case, without punctuation, articles and surplus blanks."""
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: an accepted answer occurs in the output as whole words; also exact match and F1, best over answers."""
    said = normalize(results[0])
    golds = [gold for gold in map(normalize, doc["answers"]) if gold]
    return {
        "acc": float(any(f" {gold} " in f" {said} " for gold in golds)),
        "exact_match": float(said in golds),
        "f1": max((_f1(said.split(), gold.split()) for gold in golds), default=0.0),
    }


def _f1(said: Sequence[str], gold: Sequence[str]) -> float:
    shared = sum((Counter(said) & Counter(gold)).values())
    return 2 * shared / (len(said) + len(gold)) if shared else 0.0
