"""What a comparison found, as data: what is rendered as table, Markdown and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from lottery_plugins.ledger import Counters, WeightBytes
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.statistics import Estimate
from lottery_plugins.results.verdict import Verdict

__all__ = [
    "COMPARISON_SCHEMA",
    "STUDY_ARMS",
    "ArmResult",
    "Comparison",
    "Control",
    "ControlKind",
    "GroupVerdict",
    "Judged",
    "TaskComparison",
]

COMPARISON_SCHEMA = 1

STUDY_ARMS = ("original-plain", "original-augmented", "compressed-plain", "compressed-augmented")
"""The four arms of a study, the baseline first; the last one is the ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One arm against the baseline on one task.

    Attributes:
        difference: Candidate minus baseline, above 0 is better, with two one-sided bounds at level alpha.
        verdict: After Holm's correction over the arm's tasks.
        p_non_inferior: One-sided p of a loss of the margin or more, uncorrected.
        p_adjusted: The same after Holm's correction.
        p_inferior: One-sided p of a loss of the margin or less, uncorrected.
        required_n: Documents that settle it with power 0.8 if the true difference is the observed one; None when the
            verdict is settled, or when no number would do.
        required_n_if_equal: The same if the runs are truly equal.
        verdict_without_failed: The verdict over the documents that failed in neither run; None when none failed, or
            all did.
    """

    difference: Estimate
    verdict: Verdict
    p_non_inferior: float
    p_adjusted: float
    p_inferior: float
    required_n: int | None = None
    required_n_if_equal: int | None = None
    verdict_without_failed: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One arm on one task.

    Attributes:
        arm: Its name.
        score: Mean in the metric's own direction, with a 95 % interval.
        failed: Samples that failed and count as wrong; None: not measured.
        counters: Cost; None: not measured.
        weights: Size of the weights; None: not measured.
        kv_bytes_per_token: Of the cache, after KV compression; None: not measured.
        joules: The run's energy, shared out to its tasks by their seconds; None: not measured.
        judged: None for the baseline.
    """

    arm: str
    score: Estimate
    failed: int | None
    counters: Counters | None
    weights: WeightBytes | None
    kv_bytes_per_token: float | None = None
    joules: float | None = None
    judged: Judged | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComparison:
    """All arms on one task.

    Attributes:
        task: Its name.
        ability: What it measures; "" where it doesn't say.
        metric: The metric.
        filter: lm-eval's filter.
        higher_is_better: Direction of the metric; differences are oriented so that above 0 is better.
        margin: Non-inferiority margin.
        num_documents: Paired documents.
        num_clusters: Clusters of documents; equals num_documents where each is its own.
        method: "Tango score" or "bootstrap-t".
        arms: The baseline first.
        interaction: How much more augmentation gives the compressed model than the original, with bounds like a
            difference's; None unless all four arms of a study are there.
    """

    task: str
    ability: str
    metric: str
    filter: str
    higher_is_better: bool
    margin: float
    num_documents: int
    num_clusters: int
    method: str
    arms: tuple[ArmResult, ...]
    interaction: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupVerdict:
    """An arm's verdict on all tasks of one ability, or on all tasks ("all")."""

    name: str
    arm: str
    verdict: Verdict
    tasks: tuple[str, ...]


ControlKind = Literal["equal_budget", "shuffled_evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a control arm says of the arm that it controls, on one task.

    Attributes:
        task: The task.
        arm: The control.
        kind: What it rules out: that more tokens are all that helped, or that any documents would have.
        description: What the control is, in words.
        of: The arm that it controls; None where that is not among the runs.
        gain: Score of `of` minus that of the control, above 0 is better, with bounds like a difference's.
    """

    task: str
    arm: str
    kind: ControlKind
    description: str
    of: str | None = None
    gain: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The whole comparison.

    Attributes:
        baseline: Name of the arm that the others are measured against.
        folders: Where each arm was read from.
        options: Settings.
        tasks: Task by task.
        abilities: Verdicts by ability and arm.
        overall: Verdict on all tasks, by arm.
        notes: What a reader should know.
        controls: What the control arms say.
    """

    baseline: str
    folders: dict[str, str]
    options: CompareOptions
    tasks: tuple[TaskComparison, ...]
    abilities: tuple[GroupVerdict, ...]
    overall: tuple[GroupVerdict, ...]
    notes: tuple[str, ...] = ()
    controls: tuple[Control, ...] = ()

    @property
    def deciding(self) -> tuple[GroupVerdict, ...]:
        """The overall verdicts that the exit status follows: the ticket's in a study, else every candidate's.

        Controls have none, unless nothing else is compared.
        """
        ticket = tuple(group for group in self.overall if group.arm == STUDY_ARMS[-1])
        if ticket and self.baseline == STUDY_ARMS[0]:
            return ticket
        controls = {control.arm for control in self.controls}
        return tuple(group for group in self.overall if group.arm not in controls) or self.overall

    def to_json(self) -> dict[str, Any]:
        """Plain data with the version of its layout; None means not measured."""
        return {"schema": COMPARISON_SCHEMA, **asdict(self)}
