"""`lottery table`: the paper's tables with our runs under the published rows, and the needle's heat maps."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.results import heat_map_text, paper_text
from lottery_plugins.results.command import write_text
from lottery_plugins.results.published import TABLES

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["add_arguments", "run"]

_NEEDLE = "needle"
R = TypeVar("R")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("table", choices=(*TABLES, _NEEDLE), help="which table of the paper, or the heat maps")
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="output folders of lm-eval, one a row or a map"
    )
    parser.add_argument("--format", choices=tuple(paper_text.FORMATS), help="print this instead of a terminal table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there (default format: markdown)")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the heat maps into this file; only for needle")


def run(args: argparse.Namespace) -> int:
    """Read the runs, show them.

    Raises:
        LotteryError: A run doesn't fit the table, or a file can't be written.
    """
    if args.table == _NEEDLE:
        from lottery_plugins.results.heat_map_svg import to_svg
        from lottery_plugins.results.heat_maps import read_heat_maps

        maps = read_heat_maps(args.runs)
        if args.svg is not None:
            write_text(args.svg, to_svg(maps))
        _show(args, maps, heat_map_text.FORMATS, heat_map_text.print_maps)
        return 0
    if args.svg is not None:
        raise ConfigError("--svg", str(args.svg), "given for the heat maps alone: lottery table needle RUN ...")
    from lottery_plugins.results.paper_table import read_table

    results = read_table(args.table, TABLES[args.table], args.runs)
    _show(args, results, paper_text.FORMATS, paper_text.print_table)
    return 0


def _show(
    args: argparse.Namespace,
    results: R,
    formats: Mapping[str, Callable[[R], str]],
    draw: Callable[[R, Console], None],
) -> None:
    from rich.console import Console

    if args.out is not None:
        write_text(args.out, formats[args.format or "markdown"](results))
    elif args.format is not None:
        print(formats[args.format](results), end="")
    if args.format is None:
        draw(results, Console())
