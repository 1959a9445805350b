"""How often the verdict is wrong, and how often it is reached: size and power of `lottery compare`.

For right-or-wrong scores the figures are exact: the probability of every table of discordant pairs, summed where the
shipped test says non_inferior. For graded and clustered scores they are simulated, with a standard error.

    python benchmarks/verdict_simulation.py                       # about a minute
    python benchmarks/verdict_simulation.py --simulations 4000
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from scipy import stats

from lottery_plugins.results.bootstrap import ClusterBootstrap
from lottery_plugins.results.statistics import TangoDifference

Claim = Callable[[int, int, int], bool]


def tango_claims(margin: float, alpha: float) -> Claim:
    return lambda n, gained, lost: bool(TangoDifference(n, gained, lost).p_above(-margin) <= alpha)


def wald_claims(margin: float, alpha: float) -> Claim:
    z = stats.norm.isf(alpha)

    def claim(n: int, gained: int, lost: int) -> bool:
        difference = (gained - lost) / n
        return difference - z * math.sqrt(max((gained + lost) / n - difference**2, 0) / n) > -margin

    return claim


def probability_of_claim(claim: Claim, n: int, discordance: float, difference: float) -> float:
    """Exact probability of the claim; `gained` needed for it rises with `lost`, so one sweep finds the region."""
    gain, loss = (discordance + difference) / 2, (discordance - difference) / 2
    total, needed = 0.0, 0
    for lost in range(n + 1):
        weight = stats.binom.pmf(lost, n, loss)
        if weight < 1e-12 and lost > n * loss:
            break
        while needed <= n - lost and not claim(n, needed, lost):
            needed += 1
        if needed > n - lost:
            break
        total += weight * stats.binom.sf(needed - 1, n - lost, max(gain, 0.0) / (1 - loss))
    return float(total)


def exact_table(title: str, claim: Claim, shift: float, args: argparse.Namespace, worst: list[float]) -> Table:
    table = Table(title=f"{title}, by share discordant", box=box.SIMPLE_HEAD)
    table.add_column("n", justify="right")
    for discordance in args.discordance:
        table.add_column(f"{discordance:.0%}", justify="right")
    for n in args.n:
        row = [str(n)]
        for discordance in args.discordance:
            if abs(shift) > discordance + 1e-12:
                row.append("-")
                continue
            value = probability_of_claim(claim, n, discordance, shift)
            worst.append(value)
            row.append(f"{value:.3f}")
        table.add_row(*row)
    return table


def f1_like(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Half of the answers equal, the others drawn anew; a third of the scores 0, a third 1."""
    old, new = (np.clip(np.round(1.5 * rng.beta(1.5, 1.5, shape) - 0.25, 2), 0, 1) for _ in range(2))
    return np.where(rng.random(shape) < 0.5, 0.0, new - old)


def smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Half of the answers equal, the others any score."""
    return np.where(rng.random(shape) < 0.5, 0.0, rng.beta(0.7, 0.7, shape) - rng.beta(0.7, 0.7, shape))


def ties(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Four answers in five equal, the others better or worse by quarters."""
    return np.where(rng.random(shape) < 0.8, 0.0, rng.choice([-1, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1], shape))


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A long tail of losses."""
    return 0.2 - rng.exponential(0.2, shape)


def broken(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """One answer in eight lost altogether, the others the same up to a little noise: the hardest of these shapes."""
    is_lost, moves = rng.random(shape) < 0.12, rng.random(shape) < 0.3
    return np.where(is_lost, -rng.beta(0.7, 0.7, shape), np.where(moves, rng.normal(0, 0.1, shape), 0.0)) + 0.06


def binary(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Right or wrong, three in ten discordant."""
    return rng.choice([1.0, -1.0, 0.0], shape, p=[0.15, 0.15, 0.7])


Shape = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
ALONE: tuple[Shape, ...] = (f1_like, smooth, ties, skewed, broken)
IN_CLUSTERS: tuple[Shape, ...] = (f1_like, ties, binary, skewed)


def data_set(rng: np.random.Generator, shape: Shape, n: int, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Differences with mean 0; documents of one cluster share their draw with probability 0.55 (correlation 0.3)."""
    if n == clusters:
        return shape(rng, (n,)), np.arange(n)
    own, shared = shape(rng, (clusters, n // clusters)), shape(rng, (clusters, 1))
    values = np.where(rng.random(own.shape) < 0.55, shared, own)
    return values.ravel(), np.repeat(np.arange(clusters), n // clusters)


def rates(args: argparse.Namespace, shape: Shape, n: int, clusters: int, differences: Sequence[float]) -> list[float]:
    """Share of data sets that are found non_inferior at each true difference, and inferior on the margin."""
    rng, claims, against = np.random.default_rng(args.seed), np.zeros(len(differences)), 0
    for seed in range(args.simulations):
        values, labels = data_set(rng, shape, n, clusters)
        estimate = ClusterBootstrap.of(values, labels.tolist(), seed=seed, resamples=999)
        # the bounds of shifted data are shifted bounds: one estimate tells of all differences
        claims += [estimate.p_above(-args.margin - true) <= args.alpha for true in differences]
        against += estimate.p_below(0.0) <= args.alpha
    return [*(claims / args.simulations), against / args.simulations]


def bootstrap_table(args: argparse.Namespace) -> Table:
    error = math.sqrt(args.alpha * (1 - args.alpha) / args.simulations)
    table = Table(
        title=f"Graded and clustered: {args.simulations} data sets each, standard error {error:.3f}",
        box=box.SIMPLE_HEAD,
    )
    headers = ("scores", "documents", "clusters", "non_inferior on margin", "inferior on margin", "power at parity")
    for header in headers:
        table.add_column(header, justify="left" if header == "scores" else "right")
    cases = [(shape, n, n) for shape in ALONE for n in (20, 50, 100, 200)]
    cases += [(shape, 10 * clusters, clusters) for shape in IN_CLUSTERS for clusters in (8, 20, 40, 100)]
    for shape, n, clusters in cases:
        on_margin, power, against = rates(args, shape, n, clusters, (-args.margin, 0.0))
        found = [f"{value:.3f}" for value in (on_margin, against, power)]
        table.add_row(shape.__name__, str(n), str(clusters), *found)
    return table


def power_curves(args: argparse.Namespace, claim: Claim) -> list[Table]:
    """Probability of non_inferior against the true difference."""
    differences = [step * args.margin / 2 for step in range(-4, 4)]
    curves: dict[str, Callable[[int], list[float]]] = {
        "right or wrong, 20 % discordant (exact)": lambda n: [
            probability_of_claim(claim, n, 0.2, true) for true in differences
        ]
    }
    if args.simulations:
        curves["f1_like (simulated)"] = lambda n: rates(args, f1_like, n, n, differences)[:-1]
    tables = []
    for scores, curve in curves.items():
        table = Table(title=f"Power by true difference: {scores}", box=box.SIMPLE_HEAD)
        for header in ("n", *(f"{true:+.3f}" for true in differences)):
            table.add_column(header, justify="right")
        for n in args.n if "exact" in scores else [n for n in args.n if n <= 500]:
            table.add_row(str(n), *(f"{value:.3f}" for value in curve(n)))
        tables.append(table)
    return tables


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--margin", type=float, default=0.05)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--n", type=int, nargs="+", default=[50, 100, 200, 500, 1000, 2000])
    parser.add_argument("--discordance", type=float, nargs="+", default=[0.05, 0.1, 0.2, 0.3, 0.4])
    parser.add_argument(
        "--simulations", type=int, default=500, help="data sets per bootstrap figure; 0 leaves them out"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    console, start = Console(), time.perf_counter()
    tango, wald = tango_claims(args.margin, args.alpha), wald_claims(args.margin, args.alpha)
    sizes: list[float] = []
    console.print(exact_table(f"Tango: size at difference -{args.margin} (exact)", tango, -args.margin, args, sizes))
    console.print(exact_table(f"Wald: size at difference -{args.margin} (exact)", wald, -args.margin, args, []))
    console.print(exact_table("Tango: power at parity (exact)", tango, 0.0, args, []))
    for table in power_curves(args, tango):
        console.print(table)
    if args.simulations:
        console.print(bootstrap_table(args))
    seconds = time.perf_counter() - start
    console.print(f"Largest size of Tango's test at nominal {args.alpha}: {max(sizes):.4f}. {seconds:.0f} s.")


if __name__ == "__main__":
    main()
