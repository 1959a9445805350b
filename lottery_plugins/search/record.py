"""What became of each ticket, the front of all of them, and which one the search ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from lottery_plugins.search.halving import Look
from lottery_plugins.search.measure import Cost

__all__ = ["NO_SCORE", "Record", "State", "chosen", "front", "total_cost"]

State = Literal["accepted", "finished", "hopeless", "dearer", "refused", "failed"]

NO_SCORE = -1.0
"""The score that the sampler is told of a ticket that was not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of one ticket.

    Attributes:
        number: Of the trial.
        ticket: Its name.
        point: Its parameters.
        state: `accepted`: non-inferior on the whole search part, and likely to be on the held-out one. `finished`: seen
            on the whole search part, and not accepted. `hopeless`: stopped, as a look showed it inferior. `dearer`:
            stopped, as it can't become cheaper than an accepted one. `refused`: can't be assembled. `failed`: ended by
            an error.
        why: Of all but `accepted`, in words.
        looks: The last look at each task.
        cost: What it cost.
        bytes_ratio: Stored weights, the original's being 1; None: not measured.
    """

    number: int
    ticket: str
    point: Mapping[str, Any]
    state: State
    why: str = ""
    looks: Mapping[str, Look] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    bytes_ratio: float | None = None

    @property
    def score(self) -> float | None:
        """Mean over tasks of the difference to the original; None where nothing was run."""
        return sum(s.difference for s in self.looks.values()) / len(self.looks) if self.looks else None

    @property
    def is_run(self) -> bool:
        """Whether any document was answered."""
        return self.cost.samples > 0

    @property
    def is_whole(self) -> bool:
        """Whether it was seen on the whole search part."""
        return self.state in ("accepted", "finished")

    def value(self, name: str) -> float | None:
        """`score`, `bytes` (a ratio), or `tokens` or `seconds` per document; None: not measured."""
        if name == "score":
            return self.score
        return self.bytes_ratio if name == "bytes" else self.cost.per_sample(name)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        values = {f"{name}_per_document": self.cost.per_sample(name) for name in ("tokens", "seconds")}
        return {**asdict(self), "score": self.score, **values}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """The inverse of `to_json`."""
        plain = {name: data[name] for name in ("number", "ticket", "point", "state", "why", "bytes_ratio")}
        looks = {task: Look(**look) for task, look in data["looks"].items()}
        return cls(**plain, looks=looks, cost=Cost(**data["cost"]))


def total_cost(records: Sequence[Record]) -> Cost:
    """What all tickets cost together; bytes are left out."""
    total = Cost()
    for record in records:
        total = total + record.cost
    return Cost(samples=total.samples, tokens=total.tokens, seconds=total.seconds)


def chosen(records: Sequence[Record], cheapest: str) -> Record | None:
    """The cheapest accepted ticket; among equally cheap ones the other costs decide, then the score, then the number.

    Args:
        records: All tickets.
        cheapest: The cost that decides. A ticket whose cost was not measured is not cheaper than any other.
    """
    others = [name for name in ("bytes", "tokens") if name != cheapest]

    def key(record: Record) -> tuple[float, ...]:
        costs = [record.value(name) for name in (cheapest, *others)]
        return (*(float("inf") if cost is None else cost for cost in costs), -(record.score or 0.0), record.number)

    return min((record for record in records if record.state == "accepted"), key=key, default=None)


def front(records: Sequence[Record], objectives: Sequence[str]) -> list[Record]:
    """The tickets, seen on the whole search part, that no other one beats in every objective."""
    whole = [r for r in records if r.is_whole]
    values = {r.number: [_ascending(r, name) for name in objectives] for r in whole}

    def is_beaten(record: Record) -> bool:
        mine = values[record.number]
        return any(
            theirs != mine and all(t <= m for t, m in zip(theirs, mine, strict=True)) for theirs in values.values()
        )

    return [record for record in whole if not is_beaten(record)]


def _ascending(record: Record, name: str) -> float:
    value = record.value(name)
    if value is None:
        return float("inf")
    return -value if name == "score" else value
