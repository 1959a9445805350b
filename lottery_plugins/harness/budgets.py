"""What another run spent on each document, so that a run of the plain model may spend as much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from lottery_plugins.errors import DataError
from lottery_plugins.ledger import LEDGER_FILE, TRAJECTORIES_FILE, Ledger
from lottery_plugins.trajectory import Problem

__all__ = ["Budgets", "read_budgets"]


class _Place(NamedTuple):
    """A document of a task, by lm-eval's hash of it, and which of its repeats is meant."""

    task: str
    doc_hash: str
    sample: int


@dataclass(frozen=True, slots=True)
class Budgets:
    """Tokens that a finished run generated, problem by problem.

    Attributes:
        folder: As the user wrote it.
        results_files: Names of lm-eval's results files whose runs were read; a date in them tells the run.
        tokens: All completions of a problem, a proxy model's included.
    """

    folder: str
    results_files: tuple[str, ...]
    tokens: Mapping[_Place, int]

    def given(self, problems: Sequence[Problem], requests: Sequence[Any]) -> list[Problem]:
        """The problems with their budgets.

        Args:
            problems: Those of the requests, in their order.
            requests: lm-eval's instances.

        Raises:
            DataError: The run has no trajectory of some of the documents.
        """
        places = [_Place(p.task, _hash(r.doc), p.sample) for p, r in zip(problems, requests, strict=True)]
        missing = [p for p, place in zip(problems, places, strict=True) if place not in self.tokens]
        if missing:
            raise DataError(
                f"budget_of={self.folder}",
                f"lacks {len(missing)} of {len(problems)} problems, the first: task {missing[0].task}, document "
                f"{missing[0].doc_id}, repeat {missing[0].sample}",
                "Run both on the same tasks and documents: same --limit, same task version, same --metadata.",
            )
        return [replace(p, budget_tokens=self.tokens[place]) for p, place in zip(problems, places, strict=True)]


def read_budgets(folder: str) -> Budgets:
    """Read what a run generated; of a problem that was run several times, the newest.

    Raises:
        DataError: The folder holds no finished run of ours with its samples, or a file of it can't be read.
    """
    runs = {_results_file(path): path for path in Path(folder).expanduser().rglob(TRAJECTORIES_FILE)}
    tokens: dict[_Place, int] = {}
    for results_file, path in sorted(runs.items()):
        tokens |= _spent(path, results_file)
    if not tokens:
        hint = "Name the --output_path of a finished run of --model lottery that was made with --log_samples."
        raise DataError(f"budget_of={folder}", f"holds no {TRAJECTORIES_FILE} with samples beside it", hint)
    return Budgets(folder, tuple(sorted(runs)), tokens)


def _results_file(trajectories: Path) -> str:
    """Name of lm-eval's results file that the trajectories belong to; dated, so that names sort by age."""
    path = trajectories.with_name(LEDGER_FILE)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(str(path), f"can't be read ({error})", "Run it again.") from error
    return str(Ledger.from_json(data, str(path)).run.get("results_file"))


def _spent(trajectories: Path, results_file: str) -> dict[_Place, int]:
    """Generated tokens of the problems whose samples were logged."""
    date = results_file.removeprefix("results_").removesuffix(".json")
    hashes: dict[str, dict[int, str]] = {}
    found = {}
    for where, row in _rows(trajectories):
        try:
            task, sample = row["task"], row["sample"]
            if task not in hashes:
                hashes[task] = _doc_hashes(trajectories.with_name(f"samples_{task}_{date}.jsonl"))
            doc_hash = hashes[task].get(row["doc_id"])
            counts = [step["completion_tokens"] for step in row["steps"] if step["kind"] == "generate"]
        except (KeyError, TypeError) as error:
            raise DataError(where, f"is no trajectory ({error!r})", "Run it again.") from error
        if None in counts:
            raise DataError(where, "does not tell its generated tokens", "Use an engine that counts them.")
        if doc_hash is not None:
            found[_Place(task, doc_hash, sample)] = sum(counts)
    return found


def _doc_hashes(samples: Path) -> dict[int, str]:
    """lm-eval's hash of each document by its number; empty where the samples were not logged."""
    return {row["doc_id"]: row["doc_hash"] for _, row in _rows(samples)} if samples.is_file() else {}


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """The lines of a JSONL file, each with where it stands."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{path}, line {number}"
            try:
                yield where, json.loads(line)
            except ValueError as error:
                raise DataError(where, f"is not valid JSON ({error})", "Run it again.") from error


def _hash(doc: Any) -> str:
    """lm-eval's hash of a document, as it stands in its samples."""
    from lm_eval.utils import handle_non_serializable, hash_string

    text = json.dumps(doc, indent=2, default=handle_non_serializable, ensure_ascii=False)
    return str(hash_string(text))
