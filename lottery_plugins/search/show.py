"""A search as tables for the terminal and as plain data. Names come from study files, so nothing is markup."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lottery_plugins.results.render import in_lines
from lottery_plugins.search.held_out import judged_number
from lottery_plugins.search.measure import Cost
from lottery_plugins.search.plan import SearchPlan, read_plan
from lottery_plugins.search.record import Record, chosen, front, total_cost
from lottery_plugins.search.trials import read_study

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["COMPARISON_FILE", "PLAN_FILE", "Shown", "read_shown", "records_table", "render"]

PLAN_FILE = "study.yaml"
COMPARISON_FILE = "comparison.json"

_STYLES = {"accepted": "green", "hopeless": "red", "failed": "red", "refused": "yellow"}
_NUMBERS = ("difference", "weights", "tokens\na doc.", "docs")
_WIDTH = 36  # of a choice in the table


@dataclass(frozen=True, slots=True)
class Shown:
    """A search as it lies in its folder."""

    plan: SearchPlan
    records: Sequence[Record]
    original: Cost
    judged: int | None

    @property
    def front(self) -> list[Record]:
        """Tickets that no other one beats in all objectives."""
        return front(self.records, self.plan.objectives)

    @property
    def chosen(self) -> Record | None:
        """The ticket that the search ends with, as things stand."""
        if self.judged is not None:
            return next(record for record in self.records if record.number == self.judged)
        return chosen(self.records, self.plan.cheapest)

    def to_json(self) -> dict[str, Any]:
        """Plain data; null means not measured, or none."""
        ticket = self.chosen
        return {
            "cheapest": self.plan.cheapest,
            "objectives": list(self.plan.objectives),
            "sampler": self.plan.sampler,
            "chosen": ticket.number if ticket else None,
            "judged": self.judged,
            "front": [record.number for record in self.front],
            "spent": total_cost(self.records).to_json(),
            "original": self.original.to_json(),
            "trials": [record.to_json() for record in self.records],
        }


def read_shown(folder: Path) -> Shown:
    """Read the folder of a search.

    Raises:
        LotteryError: There is none in it.
    """
    records, original = read_study(folder)
    return Shown(read_plan(folder / PLAN_FILE), records, original, judged_number(folder))


def render(shown: Shown, folder: Path, console: Console) -> None:
    """Print the front, all trials, the cost, and the verdict where there is one."""
    console.print(records_table("Front: no other ticket is better in all objectives", shown.front, shown.chosen))
    console.print(records_table("All tickets", shown.records, shown.chosen))
    for line in (*reasons(shown.records), *summary(shown)):
        console.print(line, markup=False, highlight=False)
    comparison = folder / COMPARISON_FILE
    if comparison.is_file():
        overall = json.loads(comparison.read_text(encoding="utf-8"))["overall"]
        words = ", ".join(f"{group['verdict']}" for group in overall)
        console.print(f"On the held-out documents: {words} (all tasks together).", style="bold", markup=False)


def reasons(records: Sequence[Record]) -> list[str]:
    """Why tickets ended as they did, tickets of one reason together."""
    found: dict[str, list[str]] = {}
    for record in records:
        if record.why:
            found.setdefault(record.why, []).append(str(record.number))
    return [f"- {', '.join(numbers)}: {why}" for why, numbers in found.items()]


def summary(shown: Shown) -> list[str]:
    """What was spent and what stands, in words."""
    states = [record.state for record in shown.records]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    spent = total_cost(shown.records)
    ticket = shown.chosen
    best = (
        f"Cheapest by {shown.plan.cheapest} of those that are non-inferior on the search part: trial {ticket.number}, "
        f"{ticket.ticket}."
        if ticket
        else "No ticket is shown to be non-inferior on the search part."
    )
    return [f"{len(states)} tickets: {counts or 'none'}.", f"Spent on tickets: {words_of(spent)}; on the original: "
            f"{words_of(shown.original)}.", best]  # fmt: skip


def words_of(cost: Cost) -> str:
    """A cost in words."""
    tokens = "tokens not measured" if cost.tokens is None else f"{cost.tokens:,.0f} tokens"
    seconds = "" if cost.seconds is None else f", {cost.seconds:,.0f} s"
    return f"{cost.samples:,} documents, {tokens}{seconds}"


def records_table(title: str, records: Sequence[Record], best: Record | None) -> Table:
    """A row a ticket; the chosen one is marked by a star."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), title=title, title_justify="left")
    table.add_column("trial", justify="right")
    for header in ("ticket", "outcome"):
        table.add_column(header, overflow="fold")
    for header in _NUMBERS:
        table.add_column(header, justify="right", overflow="fold")
    for record in records:
        star = "* " if best is not None and record.number == best.number else ""
        choices = "\n".join(in_lines(choice, _WIDTH) for choice in record.ticket.split(", "))
        outcome = Text(record.state, style=_STYLES.get(record.state, ""))
        table.add_row(f"{star}{record.number}", Text(choices), outcome, *_numbers(record))
    return table


def _numbers(record: Record) -> tuple[str, ...]:
    tokens = record.value("tokens")
    return (
        "-" if record.score is None else f"{record.score:+.3f}",
        "-" if record.bytes_ratio is None else f"{record.bytes_ratio:.3f}",
        "-" if tokens is None else f"{tokens:,.0f}",
        f"{record.cost.samples:,}",
    )
