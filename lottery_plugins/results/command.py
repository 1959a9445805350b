"""`lottery compare`: arguments, and from arguments to files and exit status."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.results.compare import compare, compare_study
from lottery_plugins.results.comparison import STUDY_ARMS, Comparison
from lottery_plugins.results.names import short_names
from lottery_plugins.results.options import CompareOptions
from lottery_plugins.results.render import render_json, render_markdown, render_table
from lottery_plugins.results.write import write_text

__all__ = ["add_arguments", "run"]

_FAILING = {"inferior": {"inferior"}, "inconclusive": {"inferior", "inconclusive"}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `lottery compare`."""
    default = CompareOptions()
    parser.add_argument(
        "runs", nargs="*", type=Path, metavar="RUN", help="ORIGINAL TICKET [TICKET ...]: output folders of lm-eval"
    )
    parser.add_argument(
        "--study", type=Path, metavar="FOLDER", help=f"a folder with the sub-folders {', '.join(STUDY_ARMS)}"
    )
    parser.add_argument(
        "--arms", nargs="+", metavar="ARM=FOLDER", help="the arms of a study, where they are not in one folder"
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=default.margin,
        help="largest loss you accept, in score units, in (0, 1]; a task's own margin wins (default: %(default)s)",
    )
    parser.add_argument(
        "--alpha", type=float, default=default.alpha, help="one-sided level, in (0, 0.5) (default: %(default)s)"
    )
    parser.add_argument("--exclude", action="append", default=[], metavar="TASK", help="leave a task out; repeatable")
    parser.add_argument("--metric", help="metric of all tasks (default: the task's own, else its first)")
    parser.add_argument("--filter", help="lm-eval filter of all tasks (default: the task's first)")
    parser.add_argument("--seed", type=int, default=default.seed, help="of the bootstrap (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the comparison as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the comparison as Markdown")
    parser.add_argument(
        "--fail-on",
        choices=tuple(_FAILING),
        help="exit with 1 when a ticket is inferior on all tasks together, or not shown to be non_inferior",
    )


def run(args: argparse.Namespace) -> int:
    """Compare, print, write.

    Returns:
        0, or 1 when `--fail-on` is met.

    Raises:
        LotteryError: The runs can't be compared.
    """
    from rich.console import Console

    options = CompareOptions(
        margin=args.margin,
        alpha=args.alpha,
        exclude=tuple(args.exclude),
        metric=args.metric,
        filter=args.filter,
        seed=args.seed,
    )
    comparison = _compare(args, options)
    render_table(comparison, Console())
    for path, render in ((args.json, render_json), (args.markdown, render_markdown)):
        if path is not None:
            write_text(path, render(comparison))
    failing = _FAILING.get(args.fail_on, set())
    return int(any(group.verdict in failing for group in comparison.deciding))


def _compare(args: argparse.Namespace, options: CompareOptions) -> Comparison:
    """Find out which of the three ways to name the runs was used."""
    ways = [bool(args.runs), args.study is not None, args.arms is not None]
    if sum(ways) != 1:
        got = " and ".join(w for w, used in zip(("RUN", "--study", "--arms"), ways, strict=True) if used) or "nothing"
        raise ConfigError(
            "lottery compare", got, "ORIGINAL TICKET [TICKET ...], or --study FOLDER, or --arms ARM=FOLDER"
        )
    if args.study is not None:
        if not args.study.is_dir():
            raise DataError(str(args.study), "is no folder", f"--study takes one with {', '.join(STUDY_ARMS)} in it.")
        return compare_study({arm: args.study / arm for arm in STUDY_ARMS if (args.study / arm).is_dir()}, options)
    if args.arms is not None:
        return compare_study(_named_folders(args.arms), options)
    if len(args.runs) < 2:
        raise ConfigError(
            "lottery compare", str(args.runs[0]), "two runs or more", "Name the original, then the tickets."
        )
    original, *tickets = args.runs
    names = short_names(args.runs, "lottery compare")
    return compare(original, dict(zip(names[1:], tickets, strict=True)), options, original_name=names[0])


def _named_folders(pairs: Sequence[str]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        if not (equals and folder) or name in folders:
            raise ConfigError("--arms", pair, "ARM=FOLDER, each arm once", f"Arms are {', '.join(STUDY_ARMS)}.")
        folders[name] = Path(folder)
    return folders
