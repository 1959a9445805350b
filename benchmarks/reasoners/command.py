"""The command: measure, print the table, write the JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.reasoners.oracle import Skill
from benchmarks.reasoners.runs import SUITES, Result, Setting, means, measure
from lottery_plugins.discovery import discover
from lottery_plugins.errors import LotteryError
from lottery_plugins.registry import Registry
from lottery_plugins.specs import PluginSpec, parse_specs

COLUMNS = {
    "calls": "lm_calls",
    "prompt tokens": "prompt_tokens",
    "generated tokens": "generated_tokens",
    "tool calls": "tool_calls",
    "searches": "retrievals",
    "retrieved tokens": "retrieved_tokens",
}
"""Header and the counter whose mean over all questions stands below it."""

VARIANTS = (
    "adaptive-retrieval:gate=always",
    "adaptive-retrieval:gate=popularity:threshold=0.5",
    "best-of-n:method=program-aided",
    "self-consistency:method=program-aided",
)
"""Settings that are measured beside each reasoner's defaults."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    asked = _parser().parse_args(arguments)
    skill = Skill(reliability=asked.reliability, in_head=asked.in_head, known=asked.known, seed=asked.seed)
    setting = Setting(problems=asked.problems, skill=skill, proxy_known=asked.proxy_known)
    console, registry = Console(width=160), discover()
    found = {name: _measured(registry, name, setting, console) for name in asked.reasoners or _all(registry)}
    console.print(table({name: results for name, results in found.items() if results}, setting))
    if asked.output:
        asked.output.parent.mkdir(parents=True, exist_ok=True)
        asked.output.write_text(json.dumps(as_json(found, asked), indent=1) + "\n", encoding="utf-8")
    return 0


def table(found: Mapping[str, Mapping[str, Result]], setting: Setting) -> Table:
    """A row per reasoner: exactness by suite, then what one question costs in the mean of both suites."""
    skill = setting.skill
    title = (
        f"{setting.problems} questions a suite of 3 operations; reliability {skill.reliability:g}, in the head "
        f"{skill.in_head:g}; the model knows {skill.known:.0%} of the names, the proxy {setting.proxy_known:.0%}"
    )
    drawn = Table(title=title)
    drawn.add_column("reasoner", no_wrap=True)
    for header in (*(f"exact: {suite}" for suite in SUITES), *COLUMNS, "share searched"):
        drawn.add_column(header, justify="right")
    for name, results in found.items():
        drawn.add_row(name, *cells(results))
    return drawn


def cells(results: Mapping[str, Result]) -> list[str]:
    """A row without its name. Tokens are words; a suite with a failed problem is marked."""
    both = list(results.values())
    exact = [f"{r.exact:.2f}{' (failed)' if r.errors else ''}" for r in both]
    costs = [f"{means(both, counter):,.1f}" for counter in COLUMNS.values()]
    return [*exact, *costs, f"{means(both, 'searched'):.0%}"]


def as_json(found: Mapping[str, Mapping[str, Result] | None], asked: argparse.Namespace) -> dict[str, Any]:
    """All that was measured, with the settings."""
    settings = {name: value for name, value in vars(asked).items() if name not in ("output", "reasoners")}
    rows = {name: results and {s: r.to_json() for s, r in results.items()} for name, results in found.items()}
    return {"settings": settings, "reasoners": rows}


def _measured(registry: Registry, spec: str, setting: Setting, console: Console) -> Mapping[str, Result] | None:
    """Both suites; None for a reasoner that can't be made or can't run here, with the reason on the screen."""
    try:
        results = measure(registry.create("reasoner", parse_specs(spec, "reasoners")[0]), setting)
    except LotteryError as error:
        console.print(f"{spec}: left out. {error}")
        return None
    errors = list(dict.fromkeys(e for result in results.values() for e in result.errors))
    if all(result.counters.failed == result.counters.problems for result in results.values()):
        console.print(f"{spec}: left out. {errors[0]}")
        return None
    for error in errors:
        console.print(f"{spec}: {error}")
    return results


def _all(registry: Registry) -> list[str]:
    """Every registered reasoner, and the variants."""
    names = [str(PluginSpec(p.name)) for p in registry.plugins("reasoner")]
    return sorted({*names, *VARIANTS})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks/reasoners", description=__doc__)
    parser.add_argument("--problems", type=int, default=100, help="questions of each suite")
    parser.add_argument("--reliability", type=float, default=0.9, help="of one act of the model")
    parser.add_argument("--in-head", type=float, default=0.6, help="of a further operation that is not written down")
    parser.add_argument("--known", type=float, default=0.5, help="share of the names that the model knows")
    parser.add_argument("--proxy-known", type=float, default=0.3, help="share of the names that the proxy knows")
    parser.add_argument("--seed", type=int, default=0, help="of questions and mistakes")
    parser.add_argument("--reasoners", nargs="+", help="specs, such as react:max_steps=4; all without it")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    return parser
