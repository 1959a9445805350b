"""`lottery search study.yaml`: the cheapest ticket that is not inferior to the original on the user's tasks."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lottery_plugins.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from lottery_plugins.results.command import add_fail_on

    parser.add_argument("words", nargs="+", metavar="STUDY.yaml | show OUT", help="what to search, or what to show")
    parser.add_argument("--out", type=Path, help="folder of the search (default: runs/search/NAME)")
    parser.add_argument("--json", action="store_true", help="show: as JSON")
    add_fail_on(parser)
    parser.add_argument(
        "--ray",
        nargs="?",
        const="auto",
        metavar="ADDRESS",
        help="run tickets on a Ray cluster: its address, 'auto' (default) for this machine's, 'local' to start one",
    )
    parser.add_argument("--workers", type=int, help="with --ray: workers, each with one model (default: one a GPU)")


def run(args: argparse.Namespace) -> int:
    """Search, or show a search."""
    from rich.console import Console

    first, *rest = args.words
    if first == "show":
        if len(rest) != 1:
            raise ConfigError("lottery search show", " ".join(rest), "one folder", "Say: lottery search show OUT.")
        return _show(Path(rest[0]), Console(), as_json=args.json)
    if rest:
        raise ConfigError("lottery search", " ".join(args.words), "one study file, or show OUT")
    study, out = Path(first), args.out or Path("runs/search") / Path(first).stem
    try:
        return _search(study, out, args, Console())
    except KeyboardInterrupt:
        words = ["lottery", "search", first, *(["--out", str(out)] if args.out else [])]
        Console(stderr=True).print(f"To go on: {shlex.join(words)}", markup=False, highlight=False)
        raise


def _show(folder: Path, console: Console, *, as_json: bool) -> int:
    import json

    from lottery_plugins.search.show import read_shown, render

    shown = read_shown(folder)
    if as_json:
        print(json.dumps(shown.to_json(), indent=2))
    else:
        render(shown, folder, console)
    return 0


def _search(study: Path, out: Path, args: argparse.Namespace, console: Console) -> int:
    from lottery_plugins.results.command import is_failure
    from lottery_plugins.results.render import render_table
    from lottery_plugins.search.session import Session, opened
    from lottery_plugins.search.show import read_shown, render

    with opened(study, out, args.ray, args.workers, console) as session:
        assert isinstance(session, Session)
        session.search()
        comparison = session.judge()
    render(read_shown(out), out, console)
    if comparison is None:
        console.print("So there is no ticket to judge, and the held-out documents were not touched.", style="bold")
        return int(args.fail_on == "inconclusive")
    render_table(comparison, console)
    console.print(f"Files: {out}; how to use the ticket: {out / 'ticket.txt'}", markup=False, highlight=False)
    return int(is_failure(comparison, args.fail_on))
