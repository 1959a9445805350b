"""`lottery compare`: arguments, and from arguments to files and exit status."""

from __future__ import annotations

import argparse
from pathlib import Path

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.results.chosen import add_option_arguments, add_run_arguments, chosen_runs, options_of
from lottery_plugins.results.compare import compare
from lottery_plugins.results.comparison import Comparison
from lottery_plugins.results.latex import render_latex
from lottery_plugins.results.render import render_json, render_markdown, render_table

__all__ = ["add_arguments", "add_fail_on", "is_failure", "run", "write_text"]

_FAILING = {"inferior": {"inferior"}, "inconclusive": {"inferior", "inconclusive"}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `lottery compare`."""
    add_run_arguments(parser)
    add_option_arguments(parser)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the comparison as JSON (comparison.schema.json)"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the comparison as Markdown")
    parser.add_argument("--latex", type=Path, metavar="FILE", help="write the comparison as LaTeX tables (booktabs)")
    add_fail_on(parser)


def run(args: argparse.Namespace) -> int:
    """Compare, print, write.

    Returns:
        0, or 1 when `--fail-on` is met.

    Raises:
        LotteryError: The runs can't be compared.
    """
    from rich.console import Console

    runs = chosen_runs(args, "lottery compare")
    if len(runs) < 2:
        hint = "Name the original, then the tickets."
        raise ConfigError("lottery compare", str(next(iter(runs.values()))), "two runs or more", hint)
    original, *tickets = runs
    comparison = compare(
        runs[original], {name: runs[name] for name in tickets}, options_of(args), original_name=original
    )
    render_table(comparison, Console())
    written = ((args.json, render_json), (args.markdown, render_markdown), (args.latex, render_latex))
    for path, render in written:
        if path is not None:
            write_text(path, render(comparison))
    return int(is_failure(comparison, args.fail_on))


def add_fail_on(parser: argparse.ArgumentParser) -> None:
    """Declare `--fail-on`."""
    parser.add_argument(
        "--fail-on",
        choices=tuple(_FAILING),
        help="exit with 1 when a ticket is inferior on all tasks together, or not shown to be non_inferior",
    )


def is_failure(comparison: Comparison, fail_on: str | None) -> bool:
    """Whether the deciding verdicts are what `--fail-on` names, or worse."""
    failing = _FAILING.get(fail_on or "", set())
    return any(group.verdict in failing for group in comparison.deciding)


def write_text(path: Path, text: str) -> None:
    """Write a file, its folder if need be.

    Raises:
        DataError: It can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(str(path), f"can't be written ({error.strerror})", "Name another file.") from error
