"""Rows of published data sets: from a folder of the user's, or from the Hugging Face hub when no folder is named.

A folder holds JSON lines (`.jsonl`, `.jsonl.gz`) with the columns of the hub. When one is named, nothing is downloaded.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.splits import NUM_FEWSHOT_DOCS, Row, to_dataset

__all__ = ["PaperKnobs", "RowSource", "builder", "json_lines", "one_split", "read_rows", "split_rows"]

Numbered = Iterable[tuple[str, Mapping[str, Any]]]
"""Rows, each with the words that name its place in an error message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperKnobs(TaskKnobs):
    """Knobs of every task made of published rows; `data_seed` draws which rows come first.

    Attributes:
        num_docs: Most rows of the test split; all when there are fewer.
    """

    num_docs: int = knob(1_000_000, 1, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSource:
    """Where the rows of a data set are.

    Attributes:
        task: Name of the task, for error messages.
        file: Where they are below the user's folder: the file's name without its endings, so that "gsm8k" stands for
            `gsm8k.jsonl` and `gsm8k.test.jsonl.gz` alike.
        columns: What each row must have, for error messages.
        download: Fetches the rows from the hub; None: they can't be had there.
    """

    task: str
    file: str
    columns: Sequence[str]
    download: Callable[[], Iterable[Mapping[str, Any]]] | None = None

    @property
    def hint(self) -> str:
        """What to do when the rows are not found."""
        named = 'Set LOTTERY_DATA_DIR, or pass --metadata \'{"data_dir": "..."}\', to the folder that holds '
        online = " Without a folder they are downloaded from the hub." if self.download else ""
        return f"{named}{self.file}.jsonl or {self.file}.jsonl.gz.{online}"


Make = Callable[[Mapping[str, Any]], Row | None]
"""One document from one row; None leaves the row out. KeyError, ValueError and the like say that the row is broken."""


def builder(family: str, source: RowSource, make: Make) -> Callable[..., dict[str, Any]]:
    """What lm-eval calls for the splits of a task that is made of one source.

    Args:
        family: Prefix of the task's knobs, and part of the seed of the rows' order.
        source: Where the rows are.
        make: One document from one row.
    """

    def build(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
        """The splits for lm-eval.

        Raises:
            DataError: The rows can't be found or read.
        """
        knobs = read_knobs(PaperKnobs, family, metadata)
        return split_rows(family, read_rows(source, data_dir, make), knobs, source)

    return build


def read_rows(source: RowSource, data_dir: str | None, make: Make) -> list[Row]:
    """All documents of a source, in its order.

    Args:
        source: Where the rows are.
        data_dir: The user's folder; None: the one in LOTTERY_DATA_DIR, and without that the hub.
        make: One document from one row.

    Raises:
        DataError: The rows can't be found or read; with file and line.
    """
    folder = data_dir or os.environ.get("LOTTERY_DATA_DIR")
    made = []
    for where, row in _from_file(source, Path(folder).expanduser()) if folder else _from_hub(source):
        try:
            document = make(row)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise DataError(where, f"is no row with {', '.join(source.columns)} ({error!r})") from None
        if document is not None:
            made.append(document)
    return made


def split_rows(family: str, rows: Sequence[Row], knobs: PaperKnobs, source: RowSource) -> dict[str, Any]:
    """The splits for lm-eval: the rows in a fixed random order, the last ones kept for few-shot.

    Raises:
        DataError: There are too few rows.
    """
    if len(rows) <= NUM_FEWSHOT_DOCS:
        raise DataError(f"Task {source.task}", f"has {len(rows)} rows, needed are over {NUM_FEWSHOT_DOCS}", source.hint)
    shuffled = Rng(family, knobs.data_seed).shuffled(rows)
    test, train = shuffled[:-NUM_FEWSHOT_DOCS], shuffled[-NUM_FEWSHOT_DOCS:]
    return {"test": to_dataset(test[: knobs.num_docs]), "train": to_dataset(train)}


def one_split(name: str, config: str | None, split: str) -> Callable[[], Iterable[Mapping[str, Any]]]:
    """A download of one split by `datasets.load_dataset`; "train+test" joins two."""

    def download() -> Iterable[Mapping[str, Any]]:
        from datasets import load_dataset  # heavy, and needed only here

        rows: Iterable[Mapping[str, Any]] = load_dataset(name, config, split=split)
        return rows

    return download


def json_lines(where: str, lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON objects of some lines, each with its place; empty lines are skipped.

    Raises:
        DataError: A line is no JSON object.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}, line {number}", f"is not valid JSON ({error})") from None
        if not isinstance(row, dict):
            raise DataError(f"{where}, line {number}", "is no JSON object", "Write one object with the columns a line.")
        yield f"{where}, line {number}", row


def _from_file(source: RowSource, folder: Path) -> Numbered:
    path = _found(source, folder)
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            yield from json_lines(str(path), lines)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        kind = "gzip text" if path.suffix == ".gz" else "text"
        raise DataError(str(path), f"can't be read as {kind} ({error})", source.hint) from None


def _found(source: RowSource, folder: Path) -> Path:
    """The one file of a source."""
    place = folder / source.file
    files = sorted(p for p in place.parent.glob(f"{place.name}.*") if p.name.endswith((".jsonl", ".jsonl.gz")))
    if not files:
        raise DataError(f"{place}.jsonl", "does not exist", source.hint)
    if len(files) > 1:
        names = ", ".join(p.name for p in files)
        raise DataError(str(place.parent), f"holds {len(files)} files for {source.task}: {names}", "Leave one there.")
    return files[0]


def _from_hub(source: RowSource) -> Numbered:
    if source.download is None:
        raise DataError(f"Task {source.task}", "needs a data folder and none is named", source.hint)
    try:
        for number, row in enumerate(source.download(), 1):
            yield f"{source.task}, row {number} of the hub", row
    except Exception as error:  # raised again; the hub's clients change their HTTP library, and with it their errors
        raise DataError(f"Task {source.task}", f"can't be downloaded ({error})", source.hint) from error
