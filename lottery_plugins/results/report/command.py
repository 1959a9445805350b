"""`lottery report`: arguments, and from runs to a page."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path

from lottery_plugins.results.chosen import add_option_arguments, add_run_arguments, chosen_runs, options_of
from lottery_plugins.results.command import write_text
from lottery_plugins.results.load import load_run
from lottery_plugins.results.report.build import build_report
from lottery_plugins.results.report.page import render_page

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `lottery report`."""
    add_run_arguments(parser)
    parser.add_argument("--out", type=Path, default=Path("report.html"), help="the page (default: %(default)s)")
    parser.add_argument("--title", default="Original and tickets", help="above the page (default: %(default)s)")
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    add_option_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Read the runs and write the page.

    Raises:
        LotteryError: The runs can't be read or compared, or the page can't be written.
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    console = Console()
    runs = [load_run(path, name) for name, path in chosen_runs(args, "lottery report").items()]
    with Progress(*Progress.get_default_columns()[:1], MofNCompleteColumn(), console=console, transient=True) as bar:
        reading = bar.add_task("Samples", total=None)
        report = build_report(runs, options_of(args), args.title, lambda task: bar.advance(reading))
    text = render_page(report)
    write_text(args.out, text)
    console.print(f"Wrote {args.out} ({len(text.encode()) / 1e6:.1f} MB).", markup=False, highlight=False)
    if args.open:
        webbrowser.open(args.out.resolve().as_uri())
    return 0
