"""How many of Logic-LM's published programs the solvers run, and how often what they say is right. No model is asked.

    python benchmarks/logic_replay.py FOLDER

FOLDER holds logic_lm_programs.dev.jsonl.gz: rows of dataset, model, id, answer (a letter) and logic_program. Each
program is read from Logic-LM's format into the syntax tree, written out in the language of the `logic` tool, and given
to the tool as text, as a model would. These are the programs as first written, before any refinement.

Printed for each data set and model, with Wilson's 95 % intervals:

    executed   programs that are read and solved; one that contradicts itself is not
    answered   of all programs, those whose answer fits exactly one choice
    right      of the executed programs, those that give the gold answer
    overall    of all programs, those that give the gold answer; nothing is guessed for the others
    CPU ms     median per program, reading and writing it included

PrOntoQA's choices are true and false only. Logic-LM says false for what does not follow; here that is no answer, and
the line "closed world" shows what their convention gives. `published` is Logic-LM's figure for the whole test set, of
which the rows here may be a part; there, programs that did not run got an answer by other means.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lottery_logic.choices import verdict
from lottery_logic.formats.deduction import read_deduction
from lottery_logic.formats.finite_domains import read_finite_domains
from lottery_logic.formats.first_order import read_first_order
from lottery_logic.language.errors import ProgramError
from lottery_logic.language.render import render
from lottery_logic.language.tree import Program
from lottery_logic.tool import Logic

from lottery_plugins.errors import ToolError
from lottery_plugins.results.statistics import wilson

TRUTHS = {"A": "True", "B": "False"}
READERS: Mapping[str, tuple[Callable[[str], Program], Mapping[str, str]]] = {
    "ProntoQA": (read_deduction, TRUTHS),
    "ProofWriter": (read_deduction, {**TRUTHS, "C": "Unknown"}),
    "FOLIO": (read_first_order, {**TRUTHS, "C": "Uncertain"}),
    "LogicalDeduction": (read_finite_domains, {}),
}
PUBLISHED = {
    "ProntoQA": {"gpt-3.5-turbo": 0.610, "text-davinci-003": 0.850, "gpt-4": 0.832},
    "ProofWriter": {"gpt-3.5-turbo": 0.583, "text-davinci-003": 0.715, "gpt-4": 0.797},
    "FOLIO": {"gpt-3.5-turbo": 0.627, "text-davinci-003": 0.613, "gpt-4": 0.789},
    "LogicalDeduction": {"gpt-3.5-turbo": 0.657, "text-davinci-003": 0.620, "gpt-4": 0.876},
}
"""Logic-LM's table 2 as quoted by the paper of the lottery hypothesis."""


@dataclass
class Tally:
    """Counts of one data set and model."""

    programs: int = 0
    executed: int = 0
    answered: int = 0
    right: int = 0
    right_closed: int = 0
    milliseconds: list[float] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def add(self, row: Mapping[str, str], tool: Logic) -> None:
        """Run one program."""
        read, choices = READERS[row["dataset"]]
        self.programs += 1
        start = time.process_time()
        try:
            result = tool.call({"program": render(read(row["logic_program"]))}).text
        except (ProgramError, ToolError) as error:
            reason = error.located if isinstance(error, ProgramError) else str(error)
            self.refusals.append(f"{row['id']}: {reason}")
            return
        finally:
            self.milliseconds.append(1000 * (time.process_time() - start))
        self.executed += 1
        answer = verdict(result, choices).answer
        self.answered += answer is not None
        self.right += answer == row["answer"]
        self.right_closed += verdict(result, choices, closed_world=True).answer == row["answer"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds logic_lm_programs.dev.jsonl.gz")
    parser.add_argument("--show-refusals", type=int, default=0, metavar="N", help="print N reasons per line")
    options = parser.parse_args()
    tool, tallies = Logic(), {}
    tool.call({"program": "let x in 1..2\nask x = 1"})  # loads z3
    for row in _rows(options.folder / "logic_lm_programs.dev.jsonl.gz"):
        tallies.setdefault((row["dataset"], row["model"]), Tally()).add(row, tool)
    heads = ("executed", "right if executed", "overall")
    print(f"{'data set':17}{'model':18}{'n':>4}  {''.join(f'{head:18}' for head in heads)}published  CPU ms")
    for (dataset, model), tally in sorted(tallies.items()):
        published = PUBLISHED[dataset].get(model)
        print(
            f"{dataset:17}{model:18}{tally.programs:4}  {_share(tally.executed, tally.programs):18}"
            f"{_share(tally.right, tally.executed):18}{_share(tally.right, tally.programs):18}"
            f"{published if published is not None else '-':>9}  {statistics.median(tally.milliseconds):.1f}"
        )
        if "C" not in READERS[dataset][1] and READERS[dataset][1]:
            closed = _share(tally.right_closed, tally.executed), _share(tally.right_closed, tally.programs)
            print(f"{'  closed world':59}{closed[0]:18}{closed[1]:18}")
        elif tally.answered < tally.executed:
            print(f"{'  answered':39}{_share(tally.answered, tally.programs)}")
        for refusal in tally.refusals[: options.show_refusals]:
            print("   ", refusal)


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _share(part: int, whole: int) -> str:
    """A share with its interval: ".83 [.79, .87]"."""
    if not whole:
        return "-"
    estimate = wilson(part, whole)
    return " ".join(
        [f"{part / whole:.3f}".lstrip("0"), f"[{estimate.low:.2f}, {estimate.high:.2f}]".replace("0.", ".")]
    )


if __name__ == "__main__":
    main()
