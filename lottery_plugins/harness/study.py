"""The four arms of a study, run through lm-eval one after the other, each in a process of its own.

A process for each arm keeps the peak of its memory apart from the others', and gives it back. What an arm has finished
is not done again: whole runs by their ledger, samples of a broken-off run by the store.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lottery_plugins.errors import LotteryError
from lottery_plugins.ledger import LEDGER_FILE

__all__ = ["HarnessRun", "StudyError", "commands_of", "is_done", "note_done", "run_arm"]

_DONE_FILE = "run.json"


class StudyError(LotteryError):
    """An arm of a study ended with an error, which stands above on the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessRun:
    """One lm-eval run.

    Attributes:
        model_args: As after `--model_args`.
        tasks: Task names.
        output_path: As after `--output_path`.
        limit: Documents per task; None for all.
        batch_size: As after `--batch_size`.
        apply_chat_template: Whether prompts are chats.
        metadata: As after `--metadata`: knobs of the tasks.
        num_fewshot: As after `--num_fewshot`; None: as the tasks say.
        samples: As after `--samples`: documents by task, ascending, of every task at least one; None for all. Without
            `limit`.
        include_path: As after `--include_path`: a folder with more tasks.
    """

    model_args: Mapping[str, Any]
    tasks: Sequence[str]
    output_path: str
    limit: int | None = None
    batch_size: int = 8
    apply_chat_template: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)
    num_fewshot: int | None = None
    samples: Mapping[str, Sequence[int]] | None = None
    include_path: str | None = None

    def command(self) -> list[str]:
        """The stock command line that does the same."""
        arguments = ",".join(f"{key}={value}" for key, value in self.model_args.items())
        words = ["lm-eval", "run", "--model", "lottery", "--model_args", arguments, "--tasks", ",".join(self.tasks)]
        words += ["--batch_size", str(self.batch_size), "--output_path", self.output_path, "--log_samples"]
        words += ["--limit", str(self.limit)] if self.limit is not None else []
        words += ["--num_fewshot", str(self.num_fewshot)] if self.num_fewshot is not None else []
        words += ["--samples", json.dumps(dict(self.samples))] if self.samples is not None else []
        words += ["--include_path", self.include_path] if self.include_path is not None else []
        words += ["--metadata", json.dumps(dict(self.metadata))] if self.metadata else []
        return words + (["--apply_chat_template"] if self.apply_chat_template else [])

    def to_json(self) -> dict[str, Any]:
        """Plain data for the worker and for run.json."""
        return asdict(self)


def is_done(run: HarnessRun) -> bool:
    """Whether this very run was finished before and its files are still there."""
    folder = Path(run.output_path)
    try:
        same = json.loads((folder / _DONE_FILE).read_text(encoding="utf-8")) == json.loads(json.dumps(run.to_json()))
    except (OSError, ValueError):
        return False
    return same and any(folder.rglob(LEDGER_FILE))


def note_done(run: HarnessRun) -> None:
    """Leave the note that `is_done` looks for."""
    text = json.dumps(run.to_json(), indent=2) + "\n"
    (Path(run.output_path) / _DONE_FILE).write_text(text, encoding="utf-8")


def commands_of(runs: Sequence[HarnessRun]) -> str:
    """The stock command lines of some runs, one a line."""
    import shlex

    return "\n".join(shlex.join(run.command()) for run in runs)


def run_arm(arm: str, runs: Sequence[HarnessRun]) -> None:
    """Do the runs of one arm that are not done yet.

    Raises:
        StudyError: The arm's process ended with an error.
        KeyboardInterrupt: The user stopped it.
    """
    todo = [run for run in runs if not is_done(run)]
    if not todo:
        return
    plan = json.dumps([run.to_json() for run in todo])
    done = subprocess.run([sys.executable, "-m", "lottery_plugins.harness.worker"], input=plan, text=True, check=False)
    if done.returncode in (130, -2):
        raise KeyboardInterrupt
    if done.returncode:
        raise StudyError(
            f"The arm {arm} ended with status {done.returncode}; its error stands above. What is finished is kept: run "
            "the same command again."
        )
