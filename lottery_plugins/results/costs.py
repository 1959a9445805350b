"""What each arm cost on all compared tasks together, as text: a table of its own under the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lottery_plugins.ledger import Ledger
from lottery_plugins.results.cells import NOT_MEASURED
from lottery_plugins.results.comparison import ArmResult, Comparison

__all__ = ["cost_table", "joules_of"]

_HEADERS = ("all tasks", "weights", "KV B/token", "TFLOP", "forwarded", "generated", "seconds", "joules")
_MISSING = "-"


def cost_table(comparison: Comparison) -> tuple[list[tuple[str, ...]], list[str]]:
    """Header and rows, and notes; nothing where no run has a ledger, and no column that nobody measured."""
    arms = {result.arm: _of(comparison, result.arm) for task in comparison.tasks for result in task.arms}
    if not any(result.counters for results in arms.values() for result in results):
        return [], []
    table = [_HEADERS, *((arm, *_row(results)) for arm, results in arms.items())]
    told = [column for column in zip(*table, strict=True) if not set(column[1:]) <= {_MISSING, "0"}]
    missing = [f"In the costs a dash is {NOT_MEASURED}."] if any(_MISSING in column[1:] for column in told) else []
    return list(zip(*told, strict=True)), [*missing, *_notes(arms)]


def joules_of(ledger: Ledger, task: str) -> float | None:
    """A task's share of its run's energy, by seconds; None: not measured."""
    counters, all_s = ledger.tasks.get(task), ledger.total.seconds
    if ledger.joules is None or counters is None or counters.seconds is None or not all_s:
        return None
    return ledger.joules * counters.seconds / all_s


def _of(comparison: Comparison, arm: str) -> list[ArmResult]:
    return [result for task in comparison.tasks for result in task.arms if result.arm == arm]


def _row(results: Sequence[ArmResult]) -> tuple[str, ...]:
    return (
        _weights(results),
        _one((r.kv_bytes_per_token for r in results), lambda value: f"{value:,.0f}"),
        _sum((r.counters.flops if r.counters else None for r in results), lambda value: _digits(value / 1e12)),
        _sum(r.counters.forwarded_tokens if r.counters else None for r in results),
        _sum(r.counters.generated_tokens if r.counters else None for r in results),
        _sum((r.counters.seconds if r.counters else None for r in results), _digits),
        _sum((r.joules for r in results), _digits),
    )


def _weights(results: Sequence[ArmResult]) -> str:
    """Stored bytes, and their ratio to the original's where they are fewer."""
    found = next((r.weights for r in results if r.weights is not None and r.weights.stored), None)
    if found is None or found.stored is None:
        return _MISSING
    text = f"{found.stored / 1e6:,.1f} MB"
    is_less = found.original_stored and found.stored < found.original_stored
    return f"{text} ({found.stored / (found.original_stored or 1):.2f})" if is_less else text


def _sum(values: Iterable[float | None], show: Callable[[float], str] = lambda value: f"{value:,.0f}") -> str:
    found = list(values)
    return _MISSING if None in found else show(sum(value or 0.0 for value in found))


def _one(values: Iterable[float | None], show: Callable[[float], str]) -> str:
    """The mean: runs of one arm may have seen prompts of different lengths."""
    found = [value for value in values if value is not None]
    return show(sum(found) / len(found)) if found else _MISSING


def _digits(value: float) -> str:
    """Three digits or more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _notes(arms: dict[str, list[ArmResult]]) -> list[str]:
    """Nominal sizes, which no column shows."""
    notes = []
    for arm, results in arms.items():
        weights = next((r.weights for r in results if r.weights is not None), None)
        if weights is not None and weights.nominal is not None and weights.note:
            notes.append(f"{arm}: nominally {weights.nominal / 1e6:,.1f} MB of weights; {weights.note}.")
    return notes
