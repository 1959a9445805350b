"""What each arm of a comparison cost, over the tasks that all arms ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lottery_plugins.ledger import Counters, Ledger
from lottery_plugins.results.comparison import Comparison
from lottery_plugins.results.load import Run

__all__ = ["COSTS", "ArmCosts", "arm_costs"]

COSTS: Mapping[str, str] = {
    "weights": "weights, MB",
    "kv": "KV cache, bytes a token",
    "memory": "peak memory, MB",
    "calls": "LM calls a problem",
    "generated": "generated tokens a problem",
    "prompt": "prompt tokens a problem",
    "forwarded": "forwarded tokens a problem",
    "retrieved": "retrieved tokens a problem",
    "flops": "GFLOPs a problem",
    "seconds": "seconds a problem",
    "joules": "joules a problem",
}
"""What is told of an arm, by its key in `ArmCosts.values`."""


@dataclass(frozen=True, slots=True)
class ArmCosts:
    """One arm's mean score and costs.

    Attributes:
        arm: Its name.
        score: Mean over tasks of the mean score, in the metrics' own direction.
        values: By the keys of `COSTS`; None where it was not measured.
    """

    arm: str
    score: float
    values: Mapping[str, float | None]


def arm_costs(comparison: Comparison, runs: Sequence[Run]) -> list[ArmCosts]:
    """The costs of each arm, in the order of the arms."""
    shared = [task for task in comparison.tasks if len(task.arms) == len(comparison.folders)]
    found = []
    for run in runs:
        results = [result for task in shared for result in task.arms if result.arm == run.name]
        counters = [result.counters for result in results]
        ledgers = list({id(t.file.ledger): t.file.ledger for t in run.tasks.values() if t.file.ledger}.values())
        score = sum(result.score.value for result in results) / len(results) if results else float("nan")
        found.append(ArmCosts(run.name, score, _values(counters, ledgers)))
    return found


def _values(counters: Sequence[Counters | None], ledgers: Sequence[Ledger]) -> dict[str, float | None]:
    known = [c for c in counters if c is not None]
    total = sum(known, Counters()) if known and len(known) == len(counters) else None
    ledger = ledgers[0] if ledgers else None
    all_problems = sum(each.total.problems for each in ledgers)
    weights = ledger.weights.stored if ledger and ledger.weights else None
    kv = ledger and (ledger.compressed_kv_bytes_per_token or ledger.kv_bytes_per_token)
    peaks = [each.peak_memory_bytes for each in ledgers if each.peak_memory_bytes is not None]
    return {
        "weights": weights / 1e6 if weights is not None else None,
        "kv": float(kv) if kv else None,
        "memory": max(peaks) / 1e6 if peaks else None,
        "calls": _mean(total.lm_calls if total else None, total),
        "generated": _mean(total.generated_tokens if total else None, total),
        "prompt": _mean(total.prompt_tokens if total else None, total),
        "forwarded": _mean(total.forwarded_tokens if total else None, total),
        "retrieved": _mean(total.retrieved_tokens if total else None, total),
        "seconds": _mean(total.seconds if total else None, total),
        "flops": _per_problem([each.flops for each in ledgers], all_problems, 1e9),
        "joules": _per_problem([each.joules for each in ledgers], all_problems, 1.0),
    }


def _mean(value: float | None, total: Counters | None) -> float | None:
    return None if value is None or total is None or not total.problems else value / total.problems


def _per_problem(values: Sequence[float | None], problems: int, unit: float) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / unit / problems if known and len(known) == len(values) and problems else None
