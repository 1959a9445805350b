"""The final verdict: the chosen ticket and the original on documents that the search never saw. Once, for one ticket.

The chosen ticket is the best of many on the search part, partly by luck, so its scores there flatter it. The held-out
part is free of that, but only for the first ticket that is judged on it: trying the next one after a failure would make
of it a second search part. So the ticket is written down before its first held-out document is evaluated, and no other
one is judged in the same folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from lottery_plugins.results.compare import compare
from lottery_plugins.results.comparison import Comparison
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.verdict import TaskTest, Verdict, group_verdict, judge
from lottery_plugins.search.halving import Look, look
from lottery_plugins.search.measure import Job, Measured, Pool
from lottery_plugins.search.plan import SearchPlan
from lottery_plugins.search.pool import all_done
from lottery_plugins.search.record import Record
from lottery_plugins.search.split import HeldOutError, Split
from lottery_plugins.search.ticket import ORIGINAL, Ticket

__all__ = ["HELD_OUT", "compared", "judged_number", "measure_held_out", "note_judged", "verdict_of"]

HELD_OUT = "held-out"

_NOTE = "judged.json"


def judged_number(folder: Path) -> int | None:
    """The trial whose ticket was, or is being, judged in this folder; None before that."""
    note = folder / HELD_OUT / _NOTE
    return int(json.loads(note.read_text(encoding="utf-8"))["number"]) if note.is_file() else None


def note_judged(record: Record, folder: Path) -> None:
    """Write down which ticket is judged; must precede its evaluation.

    Raises:
        HeldOutError: Another one was.
    """
    before = judged_number(folder)
    if before is not None and before != record.number:
        raise HeldOutError(
            f"The held-out documents of {folder} were used to judge trial {before}; trial {record.number} would be "
            "judged on documents that helped to choose it. Search again with another --out and another seed."
        )
    (folder / HELD_OUT).mkdir(parents=True, exist_ok=True)
    text = json.dumps({"number": record.number, "ticket": record.ticket, "point": dict(record.point)}, indent=2)
    (folder / HELD_OUT / _NOTE).write_text(text + "\n", encoding="utf-8")


def measure_held_out(plan: SearchPlan, split: Split, ticket: Ticket, pool: Pool) -> tuple[Measured, Measured]:
    """Evaluate the original and the ticket on the held-out documents; two workers do it side by side.

    Raises:
        LotteryError: One of them can't be run.
    """
    both = {ORIGINAL: plan.original_ticket(), "ticket": ticket}
    jobs = [Job(one, split.held_out, f"{HELD_OUT}/{name}") for name, one in both.items()]
    done = {job.name: outcome for job, outcome in all_done(jobs, pool)}
    return done[f"{HELD_OUT}/{ORIGINAL}"], done[f"{HELD_OUT}/ticket"]


def compared(plan: SearchPlan, split: Split, folder: Path) -> Comparison:
    """The verdict by `lottery compare`, from the files of the held-out runs."""
    options = CompareOptions(alpha=plan.alpha, seed=plan.seed, margins=dict(split.margins))
    runs = folder / HELD_OUT
    return compare(runs / ORIGINAL, {"ticket": runs / "ticket"}, options, original_name=ORIGINAL)


def verdict_of(original: Measured, ticket: Measured, plan: SearchPlan, split: Split) -> Verdict:
    """The same verdict on all tasks together from scores in memory, for tickets that have no files."""
    looks: Mapping[str, Look] = look(original, ticket, plan, split)
    tests = [TaskTest(seen.p_non_inferior, seen.p_inferior) for seen in looks.values()]
    return group_verdict(tests, judge(tests, plan.alpha), plan.alpha)
