"""The sampler `additive`: the ticket from which most is expected, if each choice adds its own loss or gain.

Optuna's samplers learn which choices stand in good tickets. A search here sees some twenty tickets, too few for that.
But what a ticket loses is mostly the sum of what its parts lose, and every ticket that was run says something of each
part, also one that was stopped: by how much it differed from the original on each task, and how sure that is. So each
task's difference is a Bayesian linear model of the parts, and so is the logarithm of the cost. The next ticket is the
one with the largest expected improvement: the chance that it will be accepted, times how much cheaper it is expected to
be than the cheapest accepted one, or than the dearest one while there is none.

Parts are choices, the plugins in them (`int8+wanda` shares `int8` with `int8`), and the numbers of their ranges.

Source: expected improvement under constraints, Gardner et al. 2014, ICML (PMLR 32:937-945).
Deviation: linear models instead of Gaussian processes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lottery_plugins.search.plan import SearchPlan, TaskPlan
from lottery_plugins.search.record import Record, chosen
from lottery_plugins.search.space import PLUGIN_KINDS, Value
from lottery_plugins.specs import parse_specs

__all__ = ["most_promising"]

Floats = NDArray[np.float64]
Point = Mapping[str, Value]

_PART = 0.15
"""Standard deviation of what one part adds to a difference, before anything is known."""

_MISFIT = 0.03
"""Standard deviation of what the sum of the parts misses."""

_COST_PART, _COST_MISFIT = 1.0, 0.05
"""The same for the logarithm of a cost."""


def most_promising(plan: SearchPlan, records: Sequence[Record], points: Sequence[Point]) -> Point:
    """The point with the largest expected improvement.

    Args:
        plan: The study file.
        records: What became of the tickets so far, at least one of them run.
        points: To choose from.
    """
    features = _features([*(record.point for record in records), *points])
    parts = {record.number: row for record, row in zip(records, features[: len(records)], strict=True)}
    new = features[len(records) :]
    chance = np.ones(len(points))
    for task in plan.tasks:
        chance *= _chance(plan, task, records, parts, new)
    return points[int(np.argmax(chance * (_expected_gain(plan, records, parts, new) + 1e-9)))]


def _chance(
    plan: SearchPlan, task: TaskPlan, records: Sequence[Record], parts: Mapping[int, Floats], new: Floats
) -> Floats:
    """Of each new point, that it will be accepted as far as this task is concerned."""
    run = [record for record in records if task.name in record.looks]
    looks = [record.looks[task.name] for record in run]
    errors = np.array([look.error for look in looks])
    per_document = float(np.mean(errors**2 * [look.documents for look in looks]))
    last_error, held_out_error = (math.sqrt(per_document / number) for number in (task.documents, task.held_out))
    differences = np.array([look.difference for look in looks])
    fitted = _fitted(np.array([parts[r.number] for r in run]), differences, errors**2 + _MISFIT**2, _PART)
    mean, variance = fitted(new)
    z = {level: float(stats.norm.isf(level)) for level in (plan.accept_level, plan.alpha)}
    assured = float(stats.norm.ppf(plan.assurance ** (1 / len(plan.tasks)))) if plan.assurance else -math.inf
    spare = max(
        z[plan.accept_level] * last_error,
        z[plan.alpha] * held_out_error + assured * math.hypot(last_error, held_out_error),
    )
    needed = spare - looks[0].margin
    return np.asarray(stats.norm.cdf((mean - needed) / np.sqrt(variance + _MISFIT**2 + last_error**2)))


def _expected_gain(plan: SearchPlan, records: Sequence[Record], parts: Mapping[int, Floats], new: Floats) -> Floats:
    """Of each new point, the expected logarithm of by how much it is cheaper than the best so far; 0 where dearer."""
    known = [record for record in records if record.value(plan.cheapest)]
    if not known:
        return np.zeros(len(new))
    costs = np.log([record.value(plan.cheapest) or 1.0 for record in known])
    best = chosen(known, plan.cheapest)
    ceiling = float(costs.max()) if best is None else math.log(best.value(plan.cheapest) or 1.0)
    noise = np.full(len(known), _COST_MISFIT**2)
    mean, variance = _fitted(np.array([parts[r.number] for r in known]), costs, noise, _COST_PART)(new)
    spread = np.sqrt(variance + _COST_MISFIT**2)
    gain = (ceiling - mean) / spread
    return np.asarray(spread * (gain * stats.norm.cdf(gain) + stats.norm.pdf(gain)))


def _fitted(x: Floats, y: Floats, noise: Floats, part: float) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Bayesian linear regression: a function that gives mean and variance of the sum of parts.

    Args:
        x: Parts of (tickets, parts), the first one constant.
        y: What was observed, of (tickets,).
        noise: Variance of each observation, of (tickets,).
        part: Standard deviation of each part's weight beforehand.
    """
    precision = x.T @ (x / noise[:, None]) + np.eye(x.shape[1]) / part**2
    covariance = np.linalg.inv(precision)
    weights = covariance @ (x.T @ (y / noise))
    return lambda new: (new @ weights, np.einsum("ij,jk,ik->i", new, covariance, new))


def _features(points: Sequence[Point]) -> Floats:
    """A row a point and a column a part, of (points, parts); a constant first, numbers scaled to 1 at most."""
    parts = [_parts(point) for point in points]
    columns = {name: i for i, name in enumerate(dict.fromkeys(name for own in parts for name in own), 1)}
    found = np.zeros((len(points), 1 + len(columns)))
    found[:, 0] = 1.0
    for row, own in zip(found, parts, strict=True):
        for name, value in own.items():
            row[columns[name]] = value
    return np.asarray(found / np.maximum(np.abs(found).max(axis=0), 1e-12))


def _parts(point: Point) -> dict[str, float]:
    """What a ticket consists of: choices and the plugins in them as 1, numbers as they are, and their squares."""
    parts: dict[str, float] = {}
    for name, value in point.items():
        if isinstance(value, str):
            parts[f"{name}={value}"] = 1.0
            for spec in parse_specs(value, name) if name in PLUGIN_KINDS else ():
                parts[f"{name}:{spec.name}"] = 1.0
        else:
            place = ".".join(name.split(".")[-2:])  # of the plugin, whatever it is joined to
            parts |= {place: float(value), f"{place} squared": float(value) ** 2}
    return parts
