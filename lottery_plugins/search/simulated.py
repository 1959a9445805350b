"""Tickets without a model: answers drawn from a table whose truth is known.

With it the search itself is measured, over many seeds in seconds: how cheap a ticket it finds, what that costs, and how
often the held-out verdict is wrong (`benchmarks/search_vs_random.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lottery_plugins.search.measure import Cost, Job, Measured, TaskDocuments, TaskRows
from lottery_plugins.search.space import Value
from lottery_plugins.search.ticket import ORIGINAL, Ticket

__all__ = ["Simulated", "Truth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What one ticket is really like.

    Attributes:
        difference: True difference to the original by task, between -1 and 1.
        bytes: Stored weights.
        tokens: Tokens of one document.
    """

    difference: Mapping[str, float]
    bytes: int = 1000
    tokens: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """An `Evaluator` that draws right-or-wrong answers, each depending on seed, ticket, task and document alone.

    Attributes:
        truth: Of each point of the space.
        original: Of the original; its `difference` is not looked at.
        rate: The original's true share of right answers, by task.
        discordance: Share of documents that a ticket answers differently, at least; more where its difference needs it.
        size: Documents of each task.
        seed: Another one gives other answers for the same truth.
    """

    truth: Callable[[Mapping[str, Value]], Truth]
    original: Truth
    rate: Mapping[str, float]
    discordance: float = 0.1
    size: int = 1000
    seed: int = 0
    jobs: list[str] = field(default_factory=list)

    def documents(self, tasks: Sequence[str]) -> Mapping[str, TaskDocuments]:
        """See `Evaluator`."""
        return {task: TaskDocuments([str(i) for i in range(self.size)]) for task in tasks}

    def evaluate(self, job: Job) -> Measured:
        """See `Evaluator`."""
        self.jobs.append(job.name)
        truth = self.original if job.ticket.name == ORIGINAL else self.truth(job.ticket.point)
        rows = {
            task: TaskRows({document: self._score(job.ticket, truth, task, document) for document in documents})
            for task, documents in job.documents.items()
        }
        samples = sum(len(documents) for documents in job.documents.values())
        return Measured(rows, Cost(samples=samples, tokens=samples * truth.tokens, seconds=0.0, bytes=truth.bytes))

    def _score(self, ticket: Ticket, truth: Truth, task: str, document: int) -> float:
        """The original's answer, turned round with the probability that makes the true difference."""
        rate = self.rate[task]
        is_right = random.Random(f"{self.seed} {task} {document}").random() < rate
        if ticket.name == ORIGINAL:
            return float(is_right)
        lost, gained = self._turned(truth.difference[task], rate)
        turned = random.Random(f"{self.seed} {ticket.key} {task} {document}").random()
        return float(turned >= lost if is_right else turned < gained)

    def _turned(self, difference: float, rate: float) -> tuple[float, float]:
        """Probabilities that a right answer becomes wrong, and a wrong one right."""
        discordant = max(self.discordance, abs(difference))
        lost, gained = (discordant - difference) / 2, (discordant + difference) / 2
        return min(lost / rate, 1.0) if rate else 0.0, min(gained / (1 - rate), 1.0) if rate < 1 else 0.0

    def close(self) -> None:
        """See `Evaluator`."""
