"""Control arms: runs that rule out another reason why a ticket does well. Found by what a run says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.results.align import AlignedTask
from lottery_plugins.results.comparison import Control, ControlKind
from lottery_plugins.results.estimates import clipped, difference_of
from lottery_plugins.results.load import AUGMENTATION, LIMITS, MACHINE, TaskRun
from lottery_plugins.results.options import CompareOptions

__all__ = ["control_notes", "find_controls"]

_CLAIMS: Mapping[ControlKind, str] = {
    "equal_budget": "what the other gains over it is more than its tokens buy by plain sampling",
    "shuffled_evidence": "what the other gains over it comes from the content of what it finds",
}


def find_controls(tasks: Sequence[AlignedTask], options: CompareOptions) -> tuple[Control, ...]:
    """What each control says, task by task and arm by arm."""
    return tuple(
        _control(task, arm, kind, options)
        for task in tasks
        for arm, run in task.runs.items()
        if (kind := _kind(run.file.model_args)) is not None
    )


def _kind(arguments: Mapping[str, Any]) -> ControlKind | None:
    if arguments.get("budget_of"):
        return "equal_budget"
    return "shuffled_evidence" if arguments.get("evidence") == "shuffled" else None


def _control(task: AlignedTask, arm: str, kind: ControlKind, options: CompareOptions) -> Control:
    run = task.runs[arm]
    tests = _spent_by if kind == "equal_budget" else _differs_by_evidence
    tested = next((name for name, other in task.runs.items() if name != arm and tests(run, other)), None)
    gain = None
    if tested is not None:
        gain = clipped(difference_of(task, arm, tested, options).interval(options.alpha), task, -1.0)
    return Control(task=task.task, arm=arm, kind=kind, description=_described(run, kind, tested), of=tested, gain=gain)


def _spent_by(control: TaskRun, other: TaskRun) -> bool:
    """Whether the budget was that of the other run, by the dated name of its results, wherever they lie now."""
    ledger = control.file.ledger
    return ledger is not None and other.file.path.name in ledger.run.get("budget_of_results", ())


def _differs_by_evidence(control: TaskRun, other: TaskRun) -> bool:
    """Whether the other run asks for all the same but the shuffling."""

    def asked(run: TaskRun) -> dict[str, str]:
        ignored = {"evidence", *LIMITS, *MACHINE}
        return {name: str(value) for name, value in run.file.model_args.items() if name not in ignored}

    return other.file.model_args.get("evidence") in (None, "found") and asked(other) == asked(control)


def _described(run: TaskRun, kind: ControlKind, tested: str | None) -> str:
    arguments = run.file.model_args
    if kind == "shuffled_evidence":
        return f"{tested or 'a run'} with documents of other questions"
    what = "augmented" if any(arguments.get(name) for name in AUGMENTATION - {"reasoner", "max_tools"}) else "plain"
    return f"{what} with the budget of {tested or arguments['budget_of']}"


def control_notes(controls: Sequence[Control], tasks: Sequence[AlignedTask]) -> list[str]:
    """A sentence for each control arm: what it is, what it spent, and what the difference from it means."""
    notes = []
    for arm, first in {control.arm: control for control in reversed(controls)}.items():
        if first.of is None:
            tail = "the run that it is to be held against is not among these"
        else:
            own = [c.task for c in controls if c.arm == arm and c.of == first.of]
            spent = _spent([t for t in tasks if t.task in own], arm, first.of) if first.kind == "equal_budget" else ""
            tail = f"{spent}{_CLAIMS[first.kind]}"
        notes.append(f"{arm} is a control, {first.description}: {tail}.")
    return notes[::-1]


def _spent(tasks: Sequence[AlignedTask], control: str, tested: str) -> str:
    """Tokens of both on the same tasks; "" where they were not counted."""
    counts = []
    for arm in (control, tested):
        ledgers = [(task.task, task.runs[arm].file.ledger) for task in tasks]
        counters = [ledger.tasks.get(name) if ledger else None for name, ledger in ledgers]
        tokens = [c.generated_tokens if c else None for c in counters]
        if None in tokens:
            return ""
        counts.append(sum(number or 0 for number in tokens))
    return f"it generated {counts[0]:,} tokens and {tested} {counts[1]:,}; "
