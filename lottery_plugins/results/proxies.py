"""What a reader of the costs must know of proxy models: their work stands in no column."""

from __future__ import annotations

from collections.abc import Iterable

from lottery_plugins.results.align import AlignedTask

__all__ = ["proxy_notes"]


def proxy_notes(tasks: Iterable[AlignedTask]) -> list[str]:
    """A sentence for each arm and task that asked a proxy model."""
    notes = []
    for task in tasks:
        for arm, run in task.runs.items():
            ledger = run.file.ledger
            counters = ledger.tasks.get(task.task) if ledger is not None else None
            if ledger is None or counters is None or not counters.proxy_calls:
                continue
            stored = (ledger.proxy.get("weights") or {}).get("stored")
            size = "size not measured" if stored is None else f"{stored / 1e6:,.1f} MB of weights"
            tokens = counters.proxy_generated_tokens
            made = "" if tokens is None else f" and generated {tokens:,} tokens"
            notes.append(
                f"{task.task}, {arm}: a proxy model ({ledger.proxy.get('name', 'unnamed')}, {size}) answered "
                f"{counters.proxy_calls:,} times{made}; none of it is in the columns but the seconds."
            )
    return notes
