"""Does the search find cheaper non-inferior tickets than random search at equal cost, and is its verdict to be trusted?

On made-up tickets whose truth is known (no model), over many seeds, each with losses and help of its own:

    python benchmarks/search_vs_random.py                       # 50 seeds
    python benchmarks/search_vs_random.py --false-acceptance    # no ticket is non-inferior: how often is one claimed?

On a study file and real models, each sampler with the same number of documents:

    python benchmarks/search_vs_random.py --study study.yaml --out runs/search-vs-random --seeds 1
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from lottery_plugins.results.means import mean_score
from lottery_plugins.search.driver import search
from lottery_plugins.search.held_out import measure_held_out, verdict_of
from lottery_plugins.search.plan import SearchPlan, plan_of
from lottery_plugins.search.pool import OneAtATime
from lottery_plugins.search.record import chosen, total_cost
from lottery_plugins.search.simulated import Simulated, Truth
from lottery_plugins.search.space import Value
from lottery_plugins.search.split import split_documents
from lottery_plugins.search.trials import Trials

TASKS = ("retrieval", "arithmetic", "facts")
MARGIN = 0.05
PRUNED = {"low": 0.1, "high": 0.6, "step": 0.1}


def study(args: argparse.Namespace, seed: int, sampler: str) -> SearchPlan:
    """792 tickets."""
    wanda, drop = {"wanda": {"sparsity": PRUNED}}, {"layer-drop": {"ratio": PRUNED}}
    compression = ["none", "int8", "int4", wanda, ["int8", wanda], ["int4", wanda], drop, ["int8", drop]]
    return plan_of(
        {
            "original": {"pretrained": "made-up"},
            "tasks": list(TASKS),
            "documents": args.documents,
            "held_out": args.held_out,
            "margin": MARGIN,
            "space": {
                "compression": compression,
                "augmentation": {"plain": None, "search": {"retriever": "bm25"}, "tools": {"tools": "python"}},
                "max_calls": {"low": 2, "high": 8, "step": 2},
                "memory": ["none", "scratchpad"],
            },
            "budget": {"samples": args.tickets * args.documents * len(TASKS)},
            "cheapest": "bytes",
            "sampler": sampler.partition(" ")[0],
            "first_rung": args.documents if "whole" in sampler else 16,  # whole: no ticket is stopped
            "stop_dearer": "whole" not in sampler,
            "seed": seed,
        }
    )


class World:
    """Losses by compression and help by augmentation, drawn from a seed; the same for every sampler."""

    def __init__(self, seed: int, *, is_hopeless: bool = False) -> None:
        rng = random.Random(f"world {seed}")
        self.is_hopeless = is_hopeless
        self.bits = {"int8": rng.uniform(0.0, 0.01), "int4": rng.uniform(0.03, 0.15)}
        self.slope = {"wanda": rng.uniform(0.2, 0.6), "layer-drop": rng.uniform(0.4, 1.0)}
        self.sensitivity = {task: rng.uniform(0.7, 1.3) for task in TASKS}
        self.help = {name: {task: rng.uniform(-0.02, 0.15) for task in TASKS} for name in ("search", "tools")}
        self.calls = rng.uniform(0.3, 0.8)
        self.memory = rng.uniform(-0.03, 0.02)
        self.rate = {task: rng.uniform(0.4, 0.8) for task in TASKS}

    def truth(self, point: Mapping[str, Value]) -> Truth:
        compression, augmentation = str(point["compression"]), str(point["augmentation"])
        removed = {name: float(v) for name, v in point.items() if name.startswith("compression.")}
        share = next(iter(removed.values()), 0.0)
        method = "wanda" if "wanda" in compression else "layer-drop" if "layer-drop" in compression else ""
        bits = next((b for b in ("int8", "int4") if b in compression), "")
        loss = self.bits.get(bits, 0.0) + (self.slope[method] * share**2 if method else 0.0)
        calls = int(point["max_calls"])
        weight = 1 - self.calls * (8 - calls) / 6
        memory = self.memory if point["memory"] != "none" else 0.0
        difference = {
            task: -loss * self.sensitivity[task] + weight * self.help.get(augmentation, {}).get(task, 0.0) + memory
            for task in TASKS
        }
        if self.is_hopeless:  # on the margin of one task exactly, and good on the others: any claim is wrong
            difference = {task: -MARGIN if task == TASKS[0] else 0.15 for task in TASKS}
        stored = {"int8": 0.27, "int4": 0.16}.get(bits, 1.0) * (1 - 0.8 * share)
        tokens = 100 + (30 * calls if augmentation != "plain" else 0) + (40 if point["memory"] != "none" else 0)
        return Truth(difference=difference, bytes=int(1e6 * stored), tokens=tokens)

    def is_non_inferior(self, truth: Truth) -> bool:
        return min(truth.difference.values()) > -MARGIN

    def evaluator(self, seed: int) -> Simulated:
        return Simulated(
            truth=self.truth, original=Truth(difference={}, bytes=1_000_000), rate=self.rate, size=3000, seed=seed
        )


@dataclass(frozen=True)
class Outcome:
    """How one search ended. `bytes`: of its ticket, 1 (the original) where it has none."""

    bytes: float
    best: float
    is_found: bool
    is_right: bool
    verdict: str
    samples: int
    tickets: int


def simulate(args: argparse.Namespace, seed: int, sampler: str) -> Outcome:
    plan, world = study(args, seed, sampler), World(seed)
    evaluator = world.evaluator(seed)
    split = split_documents(plan, evaluator.documents(plan.task_names))
    records = search(plan, split, OneAtATime(evaluator), Trials(plan))
    best = min(
        (truth.bytes for truth in map(world.truth, plan.points()) if world.is_non_inferior(truth)), default=1_000_000
    )
    ticket, spent = chosen(records, plan.cheapest), total_cost(records).samples
    tried = sum(record.is_run for record in records)
    if ticket is None:
        return Outcome(1.0, best / 1e6, False, True, "none", spent, tried)
    pair = measure_held_out(plan, split, plan.ticket_at(ticket.point), OneAtATime(evaluator))
    truth = world.truth(ticket.point)
    verdict = verdict_of(*pair, plan, split)
    return Outcome(truth.bytes / 1e6, best / 1e6, True, world.is_non_inferior(truth), verdict, spent, tried)


def false_claims(args: argparse.Namespace, seed: int) -> tuple[bool, list[bool]]:
    """Whether the search accepts a ticket though none is non-inferior, and whether held-out parts then claim it."""
    plan, world = replace(study(args, seed, "random"), assurance=0.0), World(seed, is_hopeless=True)
    evaluator = world.evaluator(seed)
    split = split_documents(plan, evaluator.documents(plan.task_names))
    ticket = chosen(search(plan, split, OneAtATime(evaluator), Trials(plan)), plan.cheapest)
    if ticket is None:
        return False, []
    claims = []
    for again in range(args.held_out_parts):  # the same ticket on as many held-out parts, as if each were the one
        part = OneAtATime(world.evaluator(1000 * (seed + 1) + again))
        claims.append(verdict_of(*measure_held_out(plan, split, plan.ticket_at(ticket.point), part), plan, split))
    return True, [claim == "non_inferior" for claim in claims]


def run_false_claims(args: argparse.Namespace) -> None:
    found = [false_claims(args, seed) for seed in seeds_of(args)]
    accepted = [float(is_accepted) for is_accepted, _ in found]
    claims = [float(np.mean(claimed)) for is_accepted, claimed in found if is_accepted]
    print(f"Every ticket is on the margin of one task exactly; {args.seeds} searches.")
    print(f"A ticket is accepted on the search part: {interval(accepted)} of the searches.")
    print(f"Its held-out verdict is non_inferior:    {interval(claims)} of {args.held_out_parts} held-out parts each.")


def of_good(outcome: Outcome) -> float:
    """Bytes that the user ends up with: the ticket's where the held-out verdict is for it, else the original's."""
    return outcome.bytes if outcome.verdict == "non_inferior" else 1.0


def table_of(outcomes: Mapping[str, Sequence[Outcome]]) -> Table:
    table = Table(title="Means over seeds, bytes of the original being 1; intervals are 95 %, paired by seed")
    headers = ("sampler", "ticket found", "its bytes", "- random's", "bytes used", "- random's", "best there is",
               "held-out: non_inferior", "... and wrong", "documents", "tickets")  # fmt: skip
    for header in headers:
        table.add_column(header, justify="left" if header == "sampler" else "right")
    base = outcomes["random"]
    for sampler, found in outcomes.items():
        used = [of_good(o) for o in found]
        wrong = [o.verdict == "non_inferior" and not o.is_right for o in found]
        table.add_row(
            sampler,
            f"{sum(o.is_found for o in found)}/{len(found)}",
            f"{np.mean([o.bytes for o in found]):.3f}",
            "" if found is base else interval(np.subtract([o.bytes for o in found], [o.bytes for o in base]), sign="+"),
            f"{np.mean(used):.3f}",
            "" if found is base else interval(np.subtract(used, [of_good(o) for o in base]), sign="+"),
            f"{np.mean([o.best for o in found]):.3f}",
            f"{sum(o.verdict == 'non_inferior' for o in found)}",
            interval([float(w) for w in wrong]),
            f"{np.mean([o.samples for o in found]):,.0f}",
            f"{np.mean([o.tickets for o in found]):.1f}",
        )
    return table


def interval(values: Any, sign: str = "") -> str:
    estimate = mean_score(list(map(float, values)))
    return f"{estimate.value:{sign}.3f} [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"


def seeds_of(args: argparse.Namespace) -> range:
    return range(args.first_seed, args.first_seed + args.seeds)


def run_simulated(args: argparse.Namespace) -> None:
    started = time.monotonic()
    outcomes = {s: [simulate(args, seed, s) for seed in seeds_of(args)] for s in args.samplers}
    console = Console(width=200)
    console.print(table_of(outcomes))
    console.print(f"{args.seeds} seeds, {time.monotonic() - started:.0f} s")


def run_real(args: argparse.Namespace) -> None:
    """The study as it is, then random search with as many documents as that took."""
    import yaml

    written: dict[str, Any] = yaml.safe_load(args.study.read_text(encoding="utf-8"))
    for seed in seeds_of(args):
        budget = written["budget"]
        for sampler in args.samplers:
            out = args.out / f"{sampler}-{seed}"
            out.mkdir(parents=True, exist_ok=True)
            path = args.out / f"{sampler}-{seed}.yaml"
            path.write_text(yaml.safe_dump({**written, "sampler": sampler, "seed": seed, "budget": budget}), "utf-8")
            print(f"\n{sampler}, seed {seed}, budget {budget}", flush=True)
            words = [sys.executable, "-m", "lottery_plugins.cli", "search", str(path), "--out", str(out), *args.more]
            subprocess.run(words, check=True)
            if sampler == args.samplers[0]:
                from lottery_plugins.search.trials import read_study

                budget = {"samples": total_cost(read_study(out)[0]).samples}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--samplers", nargs="+", default=["additive", "tpe", "nsga2", "random", "random whole"])
    parser.add_argument("--tickets", type=int, default=20, help="budget, in tickets seen on all their documents")
    parser.add_argument("--documents", type=int, default=128, help="of the search part, per task")
    parser.add_argument("--held-out", type=int, default=256)
    parser.add_argument("--false-acceptance", action="store_true", help="every ticket is on a margin exactly")
    parser.add_argument("--held-out-parts", type=int, default=20, help="with --false-acceptance: for each search")
    parser.add_argument("--study", type=Path, help="a study file: real models")
    parser.add_argument("--out", type=Path, default=Path("runs/search-vs-random"))
    parser.add_argument("more", nargs="*", help="with --study: more arguments of lottery search, after --")
    args = parser.parse_args()
    if args.false_acceptance:
        run_false_claims(args)
    elif args.study is None:
        run_simulated(args)
    else:
        args.samplers = [s for s in args.samplers if "whole" not in s and s != "nsga2"]
        run_real(args)


if __name__ == "__main__":
    main()
