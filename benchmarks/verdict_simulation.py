"""How often the verdict is wrong, and how often it is reached: size and power of `lottery compare`.

For right-or-wrong scores the figures are exact: the probability of every table of discordant pairs, summed where the
shipped test says non_inferior. For graded and clustered scores they are simulated, with a standard error.

    python benchmarks/verdict_simulation.py                   # under a minute
    python benchmarks/verdict_simulation.py --simulations 2000 --seed 1
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import stats

from lottery_plugins.results.bootstrap import ClusterBootstrap
from lottery_plugins.results.statistics import TangoDifference

Claim = Callable[[int, int, int], bool]


def tango_claims(margin: float, alpha: float) -> Claim:
    return lambda n, gained, lost: TangoDifference(n, gained, lost).p_above(-margin) <= alpha


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
    table = Table(title=title)
    table.add_column("n", justify="right")
    for discordance in args.discordance:
        table.add_column(f"{discordance:.0%} discordant", justify="right")
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


def graded(rng: np.random.Generator, n: int, clusters: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Differences of F1-like scores: most equal, the rest anywhere; correlated inside a cluster."""
    labels = np.arange(n) % clusters
    base = rng.beta(0.7, 0.7, n)
    moves = rng.random(n) < 0.5
    other = np.where(moves, rng.beta(0.7, 0.7, n), base)
    effect = rng.normal(0, 0.1 if clusters < n else 0.0, clusters)[labels]
    return other - base + effect + shift, labels


def rare(rng: np.random.Generator, n: int, clusters: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Differences of a whole point on one document in ten, in clusters of their own: nearly all answers are equal."""
    gain, loss = (0.1 + shift) / 2, (0.1 - shift) / 2
    return rng.choice([1.0, -1.0, 0.0], n, p=[gain, loss, 1 - gain - loss]), np.arange(n) % clusters


def binary(rng: np.random.Generator, n: int, clusters: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Right-or-wrong differences, 30 % discordant, whose direction is shared by half of a cluster."""
    labels = np.arange(n) % clusters
    gain, loss = (0.3 + shift) / 2, (0.3 - shift) / 2
    own = rng.choice([1.0, -1.0, 0.0], n, p=[gain, loss, 1 - gain - loss])
    shared = rng.choice([1.0, -1.0, 0.0], clusters, p=[gain, loss, 1 - gain - loss])[labels]
    return np.where(rng.random(n) < 0.5, shared, own), labels


def bootstrap_table(args: argparse.Namespace) -> Table:
    table = Table(title=f"BCa bootstrap, margin {args.margin}: simulated, {args.simulations} data sets each")
    for header in ("scores", "documents", "clusters", "size at the margin", "power at parity"):
        table.add_column(header, justify="right")
    cases = [("graded", graded, 50, 50), ("graded", graded, 200, 200), ("graded", graded, 200, 40)]
    cases += [("graded", graded, 200, 8), ("rare", rare, 50, 50), ("rare", rare, 200, 200)]
    cases += [("clustered", binary, 200, 20), ("clustered", binary, 200, 50), ("clustered", binary, 800, 100)]
    for name, draw, n, clusters in cases:
        rng = np.random.default_rng(args.seed)
        rates = []
        for shift in (-args.margin, 0.0):
            claims = 0
            for _ in range(args.simulations):
                values, labels = draw(rng, n, clusters, shift)
                estimate = ClusterBootstrap.of(values, labels, seed=args.seed, resamples=999)
                claims += estimate.p_above(-args.margin) <= args.alpha
            rate = claims / args.simulations
            rates.append(f"{rate:.3f} ± {math.sqrt(rate * (1 - rate) / args.simulations):.3f}")
        table.add_row(name, str(n), str(clusters), *rates)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--margin", type=float, default=0.05)
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--n", type=int, nargs="+", default=[50, 100, 200, 500, 1000, 2000])
    parser.add_argument("--discordance", type=float, nargs="+", default=[0.05, 0.1, 0.2, 0.3, 0.4])
    parser.add_argument(
        "--simulations", type=int, default=400, help="data sets per bootstrap figure; 0 leaves them out"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    console, start = Console(), time.perf_counter()
    tango, wald = tango_claims(args.margin, args.alpha), wald_claims(args.margin, args.alpha)
    sizes: list[float] = []
    console.print(exact_table(f"Tango: size at difference -{args.margin} (exact)", tango, -args.margin, args, sizes))
    console.print(exact_table(f"Wald: size at difference -{args.margin} (exact)", wald, -args.margin, args, []))
    console.print(exact_table("Tango: power at parity (exact)", tango, 0.0, args, []))
    if args.simulations:
        console.print(bootstrap_table(args))
    seconds = time.perf_counter() - start
    console.print(f"Largest size of Tango's test at nominal {args.alpha}: {max(sizes):.4f}. {seconds:.0f} s.")


if __name__ == "__main__":
    main()
