"""From logits to tokens and scores.

A sampled token depends on its logits, its request's seed and its index alone: the number that decides is made on the
host, from a hash of seed and index, and the distribution is inverted in the order of the vocabulary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch

from lottery_plugins.backends.packed.steps import Draw, PackedStep
from lottery_plugins.protocols.engine import SamplingParams
from lottery_plugins.protocols.runner import RowResult, UnusableOutputError

__all__ = ["best_tokens", "drawn_tokens", "results", "sampled_tokens", "target_scores", "uniform"]

_LIKELY = 256  # tokens looked at for a nucleus before the whole vocabulary is sorted


def uniform(seed: int, index: int) -> float:
    """A number in [0, 1) that belongs to the index-th token of a request."""
    digest = hashlib.blake2b(seed.to_bytes(8, "little") + index.to_bytes(8, "little"), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


def best_tokens(logits: torch.Tensor) -> torch.Tensor:
    """The first token of the highest logit in each row; of a row with NaN, one whose logit is NaN."""
    if logits.device.type == "cpu" and logits.dtype is torch.float32:
        return torch.from_numpy(logits.numpy().argmax(axis=1))  # torch's is many times as slow
    return logits.argmax(dim=-1)


def sampled_tokens(logits: torch.Tensor, params: Sequence[SamplingParams], numbers: Sequence[float]) -> torch.Tensor:
    """Draw one token per row.

    Args:
        logits: (rows, vocabulary), finite at the highest.
        params: Temperature, top_k and top_p of each row, in this order.
        numbers: In [0, 1), one per row.
    """
    device, double, vocabulary = logits.device, torch.float64, logits.shape[1]
    weights = logits.to(double, copy=True)  # one copy, changed in place: it is large
    weights.div_(torch.tensor([[p.temperature] for p in params], dtype=double, device=device))
    weights.sub_(weights.amax(dim=-1, keepdim=True))
    top_k = [p.top_k or vocabulary for p in params]
    if min(top_k) < vocabulary:
        _keep_top_k(weights, top_k)
    weights.exp_()
    top_p = [p.top_p or 1.0 for p in params]
    if min(top_p) < 1:
        _keep_nucleus(weights, top_p)
    sums = weights.cumsum_(dim=-1)
    total = sums[:, -1:].clone()
    aim = torch.tensor(numbers, dtype=double, device=device)[:, None] * total
    aim = aim.minimum(total.nextafter(torch.zeros_like(total)))  # rounding must not take it past the last token
    return torch.searchsorted(sums, aim, right=True)[:, 0]


def _keep_top_k(scaled: torch.Tensor, top_k: Sequence[int]) -> None:
    """Write minus infinity over whatever is below the k-th highest of its row."""
    width = max(k for k in top_k if k < scaled.shape[1])
    highest = scaled.topk(width, dim=-1).values
    ranks = torch.tensor([[min(k, width) - 1] for k in top_k], device=scaled.device)
    everything = torch.tensor([[k >= scaled.shape[1]] for k in top_k], device=scaled.device)
    lowest = highest.gather(1, ranks).masked_fill(everything, -torch.inf)
    scaled.masked_fill_(scaled < lowest, -torch.inf)


def _keep_nucleus(weights: torch.Tensor, top_p: Sequence[float]) -> None:
    """Write zero over whatever is not among the likeliest tokens of its row that together reach top_p."""
    mass = weights.sum(dim=-1) * torch.tensor(top_p, dtype=weights.dtype, device=weights.device)
    highest = weights.topk(min(_LIKELY, weights.shape[1]), dim=-1).values
    lowest = _at_mass(highest, mass)
    for row in (highest.sum(dim=-1) < mass).nonzero()[:, 0].tolist():  # seldom: a flat distribution
        lowest[row] = _at_mass(weights[row : row + 1].sort(dim=-1, descending=True).values, mass[row : row + 1])
    everything = torch.tensor([p >= 1 for p in top_p], device=weights.device)
    weights.masked_fill_(weights < lowest.masked_fill_(everything[:, None], 0.0), 0.0)


def _at_mass(highest: torch.Tensor, mass: torch.Tensor) -> torch.Tensor:
    """The weight with which each row's highest ones reach a mass, (rows, 1); the last where they don't."""
    place = torch.searchsorted(highest.cumsum(dim=-1), mass[:, None]).clamp_(max=highest.shape[1] - 1)
    return highest.gather(1, place)


def drawn_tokens(logits: torch.Tensor, draws: Sequence[Draw], best: torch.Tensor) -> torch.Tensor:
    """The token of each draw.

    Args:
        logits: (kept, vocabulary).
        draws: What to draw.
        best: Greedy token of each of the logits, (kept,).
    """
    places = torch.tensor([draw.logit for draw in draws], device=best.device)
    tokens = best[places]
    sampled = [i for i, draw in enumerate(draws) if draw.params.do_sample]
    if sampled:
        chosen = [draws[i] for i in sampled]
        numbers = [uniform(draw.seed, draw.index) for draw in chosen]
        where = torch.tensor(sampled, device=best.device)
        tokens[where] = sampled_tokens(logits[places[where]], [draw.params for draw in chosen], numbers)
    return tokens


def target_scores(logits: torch.Tensor, targets: torch.Tensor, best: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probability of each target, and whether its logit is the highest; both (targets,).

    Args:
        logits: (targets, vocabulary) float32.
        targets: (targets,).
        best: The highest logit of each, (targets,).
    """
    chosen = logits.gather(1, targets[:, None])[:, 0]
    return chosen - logits.logsumexp(dim=-1), chosen >= best


def results(logits: torch.Tensor, step: PackedStep) -> list[RowResult]:
    """What came of each row, in the scheduler's order. Waits for the logits.

    Raises:
        UnusableOutputError: A row's logits have no finite maximum.
    """
    found = [RowResult()] * len(step.rows)
    if not step.keep:
        return found
    logits = logits.float()
    best = best_tokens(logits)  # (kept,)
    highest = logits.gather(1, best[:, None])[:, 0]
    _check_usable(highest, step)
    tokens = drawn_tokens(logits, step.draws, best).tolist() if step.draws else []
    drawn = dict(zip((draw.row for draw in step.draws), tokens, strict=True))
    scores = _scores(logits, highest, step)
    for index, place in enumerate(step.order):
        logprobs, is_greedy = scores.get(index, ((), True))
        found[place] = RowResult(drawn.get(index), logprobs, is_greedy)
    return found


def _check_usable(highest: torch.Tensor, step: PackedStep) -> None:
    usable = highest.isfinite()
    if not bool(usable.all()):
        bad = int((~usable).nonzero()[0])
        raise UnusableOutputError(next(p for p, end in zip(step.order, step.keep_starts[1:], strict=True) if bad < end))


def _scores(logits: torch.Tensor, highest: torch.Tensor, step: PackedStep) -> dict[int, tuple[tuple[float, ...], bool]]:
    """Log-probabilities and greediness of the targets of each row that has some."""
    scored = [(i, row.targets) for i, row in enumerate(step.rows) if row.targets]
    if not scored:
        return {}
    device = logits.device
    kept = [k for i, targets in scored for k in range(step.keep_starts[i + 1] - len(targets), step.keep_starts[i + 1])]
    places = torch.tensor(kept, device=device)
    wanted = torch.tensor([t for _, targets in scored for t in targets], device=device)
    chosen = logits if len(kept) == logits.shape[0] else logits[places]
    logprobs, greedy = (x.tolist() for x in target_scores(chosen, wanted, highest[places]))
    found, start = {}, 0
    for i, targets in scored:
        end = start + len(targets)
        found[i] = (tuple(logprobs[start:end]), all(greedy[start:end]))
        start = end
    return found
