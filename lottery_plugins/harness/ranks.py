"""Several processes with a copy of the model each, as `accelerate launch` starts them: their work comes to the first.

lm-eval hands each process (rank) its share of the documents, and the first one the samples and metrics of all. What it
does not know of, trajectories and costs, goes the same way here. A rank with fewer requests than another gets its last
one again, so that all make as many calls; such padding is answered and recorded nowhere.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.harness.meters import Peak
from lottery_plugins.trajectory import Trajectory

__all__ = ["Share", "are_padding", "is_replica", "joined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one process did.

    Attributes:
        trajectories: Of its documents, in the order of its requests.
        peak: Its memory.
        joules: By counter; a counter of the machine is the same in all processes.
        counted: What its engine counted; None where it counts nothing.
    """

    trajectories: Sequence[Trajectory]
    peak: Peak
    joules: Mapping[str, float]
    counted: EngineStatistics | None = None


def joined(shares: Sequence[Share]) -> Share:
    """The work of all processes, in the order in which one process would have done it, at the peak of the largest."""
    together = [trajectory for share in shares for trajectory in share.trajectories]
    tasks = {task: place for place, task in enumerate(dict.fromkeys(t.task for t in together))}
    counts = [share.counted for share in shares if share.counted is not None]
    largest = max((share.peak for share in shares), key=lambda peak: peak.num_bytes or 0)
    return Share(
        trajectories=sorted(together, key=lambda t: (tasks[t.task], t.doc_id, t.sample)),
        peak=Peak(largest.num_bytes, f"{largest.of}, the largest of {len(shares)} processes"),
        joules={name: max(s.joules.get(name, 0.0) for s in shares) for share in shares for name in share.joules},
        counted=sum(counts[1:], counts[0]) if counts else None,
    )


def are_padding(requests: Sequence[Any]) -> list[bool]:
    """Which of lm-eval's requests are copies beyond their repeats."""
    seen: Counter[int] = Counter()
    found = []
    for request in requests:
        seen[id(request)] += 1
        found.append(seen[id(request)] > (request.repeats or 1))
    return found


def is_replica(world_size: int) -> bool:
    """Whether several processes answer the same requests together, as with tensor parallelism under `torchrun`.

    Args:
        world_size: Of the base model: into how many parts lm-eval cuts the documents.
    """
    return world_size == 1 and int(os.environ.get("WORLD_SIZE", "1")) > 1
