"""From logits on a device to the results of a step, with one wait: what `sampling.results` does where logits are near.

Nothing here waits before it is asked to, except for rows that sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from lottery_plugins.backends.packed.paged_index import to_device
from lottery_plugins.backends.packed.sampling import sampled_tokens, target_scores, uniform
from lottery_plugins.backends.packed.steps import PackedStep
from lottery_plugins.protocols.runner import RowResult, UnusableOutputError

__all__ = ["Readout", "greedy_tokens", "read_out"]

_UNUSABLE = -1  # in place of a token where the highest logit is not finite
_SCORED_AT_ONCE = 512  # rows of logits made float32 at a time: 250 MB at a vocabulary of 128k


def greedy_tokens(logits: torch.Tensor) -> torch.Tensor:
    """The token of the highest logit of each row, (rows,) int64; -1 where that is not finite. NaN counts as highest."""
    tokens = logits.argmax(dim=-1)
    highest = logits.gather(1, tokens[:, None])[:, 0]
    return tokens.masked_fill(~highest.isfinite(), _UNUSABLE)


@dataclass(slots=True)
class Readout:
    """What a step gives, on its way to the host.

    Attributes:
        step: The step.
        numbers: One per draw, then one (0 or 1) per target: int64.
        logprobs: One per target: float32; not finite where the logits are not.
        event: After it both are there; None: they are.
    """

    step: PackedStep
    numbers: torch.Tensor
    logprobs: torch.Tensor
    event: Any = None

    def wait(self) -> None:
        """Wait for the step."""
        if self.event is not None:
            self.event.synchronize()

    def results(self) -> list[RowResult]:
        """Wait, then one result per row, in the scheduler's order.

        Raises:
            UnusableOutputError: A row's logits have no finite maximum.
        """
        self.wait()
        numbers, logprobs = self.numbers.tolist(), self.logprobs.tolist()
        draws = self.step.draws
        drawn = {draw.row: token for draw, token in zip(draws, numbers, strict=False)}
        found, at = [RowResult()] * len(self.step.rows), 0
        for index, (row, place) in enumerate(zip(self.step.rows, self.step.order, strict=True)):
            end = at + len(row.targets)
            mine, token = tuple(logprobs[at:end]), drawn.get(index)
            if token == _UNUSABLE or any(value != value for value in mine):
                raise UnusableOutputError(place)
            found[place] = RowResult(token, mine, all(numbers[len(draws) + at : len(draws) + end]))
            at = end
        return found


def read_out(logits: torch.Tensor, step: PackedStep, greedy: torch.Tensor | None = None) -> Readout:
    """Draw and score, and begin to copy the outcome.

    Args:
        logits: Of the step's `keep`, (len(keep), vocabulary); rows behind those are left alone.
        step: The step.
        greedy: `greedy_tokens` of all rows of the logits, where they were found with them.
    """
    tokens = _drawn(logits, step, greedy)
    highest, logprobs = _scored(logits, step)
    numbers = torch.cat([tokens, highest])
    if logits.device.type != "cuda":
        return Readout(step, numbers, logprobs)
    numbers, logprobs = _to_host(numbers), _to_host(logprobs)
    event = torch.cuda.Event()
    event.record()
    return Readout(step, numbers, logprobs, event)


def _to_host(numbers: torch.Tensor) -> torch.Tensor:
    """A copy in pinned memory that is there after an event recorded from now on."""
    return torch.empty(numbers.shape, dtype=numbers.dtype, pin_memory=True).copy_(numbers, non_blocking=True)


def _drawn(logits: torch.Tensor, step: PackedStep, greedy: torch.Tensor | None) -> torch.Tensor:
    """One token per draw, (draws,) int64."""
    device, draws = logits.device, step.draws
    if not draws:
        return torch.empty(0, dtype=torch.long, device=device)
    wanted = [draw.logit for draw in draws]
    if greedy is not None and wanted == list(range(len(wanted))):
        tokens = greedy[: len(wanted)]
    else:
        at = to_device(wanted, torch.long, device)
        tokens = greedy_tokens(logits.index_select(0, at)) if greedy is None else greedy.index_select(0, at)
    sampled = [index for index, draw in enumerate(draws) if draw.params.do_sample]
    if not sampled:
        return tokens
    chosen = [draws[i] for i in sampled]
    where, at = (to_device(i, torch.long, device) for i in (sampled, [draw.logit for draw in chosen]))
    numbers = [uniform(draw.seed, draw.index) for draw in chosen]
    drawn = sampled_tokens(logits.index_select(0, at), [draw.params for draw in chosen], numbers)
    unusable = tokens.index_select(0, where) == _UNUSABLE
    return tokens.index_copy(0, where, drawn.masked_fill(unusable, _UNUSABLE))


def _scored(logits: torch.Tensor, step: PackedStep) -> tuple[torch.Tensor, torch.Tensor]:
    """Whether each target has the highest logit (int64), and its log-probability (float32)."""
    at: list[int] = []
    targets: list[int] = []
    for row, end in zip(step.rows, step.keep_starts[1:], strict=True):
        at.extend(range(end - len(row.targets), end))
        targets.extend(row.targets)
    if not targets:
        empty = torch.empty(0, device=logits.device)
        return empty.long(), empty.float()
    places, wanted = (to_device(numbers, torch.long, logits.device) for numbers in (at, targets))
    found = []
    for where, target in zip(places.split(_SCORED_AT_ONCE), wanted.split(_SCORED_AT_ONCE), strict=True):
        scores = logits.index_select(0, where).float()
        found.append(target_scores(scores, target, scores.amax(dim=-1)))
    return torch.cat([greedy.long() for _, greedy in found]), torch.cat([logprob for logprob, _ in found])
