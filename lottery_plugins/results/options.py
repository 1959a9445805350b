"""What the user of a comparison may choose."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from lottery_plugins.errors import ConfigError

__all__ = ["CompareOptions", "checked_margin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """Settings of one comparison, fixed before the runs are looked at.

    Attributes:
        margin: Largest loss that is accepted, in score units, in (0, 1]; a task's own `metadata.lottery.margin` wins.
        margins: The same by task, where a plan fixed it; wins over both.
        alpha: One-sided level of each verdict, in (0, 0.5).
        exclude: Tasks left out.
        metric: Metric of every task; None: the task's own, else the first of its metric_list.
        filter: Filter of every task; None: the first of its filter_list.
        seed: Of the bootstrap.
        resamples: Bootstrap replicates, at least 100.
    """

    margin: float = 0.05
    alpha: float = 0.05
    exclude: tuple[str, ...] = ()
    metric: str | None = None
    filter: str | None = None
    seed: int = 0
    resamples: int = 9999
    margins: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked_margin(self.margin, "--margin")
        for task, margin in self.margins.items():
            checked_margin(margin, f"margin of {task}")
        if not (isinstance(self.alpha, (int, float)) and 0 < self.alpha < 0.5):
            raise ConfigError("--alpha", self.alpha, "a number in (0, 0.5)", "0.05 is usual.")
        if self.resamples < 100:
            raise ConfigError("resamples", self.resamples, "a number from 100")


def checked_margin(margin: object, where: str) -> float:
    """The margin as a number.

    Raises:
        ConfigError: It is not a number in (0, 1].
    """
    is_number = isinstance(margin, (int, float)) and not isinstance(margin, bool)
    if is_number and math.isfinite(margin) and 0 < margin <= 1:  # type: ignore[operator, arg-type]
        return float(margin)  # type: ignore[arg-type]
    raise ConfigError(where, margin, "a number in (0, 1]", "It is the largest loss you accept, in score units.")
