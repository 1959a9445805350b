"""Which runs a command is about: named one by one, as the arms of a study, or as the sub-folders of one folder."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from lottery_plugins.errors import ConfigError, DataError, suggest
from lottery_plugins.results.comparison import STUDY_ARMS
from lottery_plugins.results.options import CompareOptions

__all__ = ["add_option_arguments", "add_run_arguments", "chosen_runs", "options_of", "short_names", "study_arms"]


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the ways to name runs."""
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="ORIGINAL TICKET [TICKET ...]: output folders of lm-eval; or one folder that holds them",
    )
    parser.add_argument(
        "--study", type=Path, metavar="FOLDER", help=f"a folder with the sub-folders {', '.join(STUDY_ARMS)}"
    )
    parser.add_argument(
        "--arms", nargs="+", metavar="ARM=FOLDER", help="the arms of a study, where they are not in one folder"
    )
    parser.add_argument(
        "--baseline", metavar="NAME", help="the sub-folder with the original, where one folder is named"
    )


def add_option_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the settings of a comparison."""
    default = CompareOptions()
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


def options_of(args: argparse.Namespace) -> CompareOptions:
    """The settings that were written.

    Raises:
        ConfigError: A value is out of range.
    """
    return CompareOptions(
        margin=args.margin,
        alpha=args.alpha,
        exclude=tuple(args.exclude),
        metric=args.metric,
        filter=args.filter,
        seed=args.seed,
    )


def chosen_runs(args: argparse.Namespace, where: str) -> dict[str, Path]:
    """The runs by name, the baseline first.

    Args:
        args: As parsed after `add_run_arguments`.
        where: The command, for messages.

    Raises:
        LotteryError: None or several of the ways were used, or what is named is not there.
    """
    ways = [bool(args.runs), args.study is not None, args.arms is not None]
    if sum(ways) != 1:
        got = " and ".join(w for w, used in zip(("RUN", "--study", "--arms"), ways, strict=True) if used) or "nothing"
        raise ConfigError(where, got, "ORIGINAL TICKET [TICKET ...], or --study FOLDER, or --arms ARM=FOLDER")
    if args.study is not None:
        if not args.study.is_dir():
            raise DataError(str(args.study), "is no folder", f"--study takes one with {', '.join(STUDY_ARMS)} in it.")
        return study_arms({arm: args.study / arm for arm in STUDY_ARMS if (args.study / arm).is_dir()})
    if args.arms is not None:
        return study_arms(_named_folders(args.arms))
    if len(args.runs) == 1:
        return _within(args.runs[0], args.baseline)
    return dict(zip(short_names(args.runs, where), args.runs, strict=True))


def study_arms(arms: Mapping[str, Path]) -> dict[str, Path]:
    """The arms of a study in their order.

    Raises:
        LotteryError: One is none of `STUDY_ARMS`, the baseline is not there, or nothing else is.
    """
    unknown = sorted(set(arms) - set(STUDY_ARMS))
    if unknown:
        raise ConfigError("--arms", unknown[0], ", ".join(STUDY_ARMS))
    present = [arm for arm in STUDY_ARMS if arm in arms]
    if STUDY_ARMS[0] not in present or len(present) < 2:
        got = ", ".join(present) or "none"
        raise DataError("The study", f"needs {STUDY_ARMS[0]} and one other arm or more, but has {got}")
    return {arm: arms[arm] for arm in present}


def _within(folder: Path, baseline: str | None) -> dict[str, Path]:
    """The runs in the sub-folders of one folder; the folder itself where it is a run."""
    if not folder.exists():
        raise DataError(str(folder), "does not exist", "Name an output folder of lm-eval (--output_path).")
    inner = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    own = {p.name: p for p in inner if next(p.rglob("results_*.json"), None) and not any(p.glob("results_*.json"))}
    if len(own) < 2:  # results lie in a folder named after the model, one level below that of a run
        return {folder.resolve().name: folder}
    first = baseline or next((name for name in (STUDY_ARMS[0], "original", "baseline") if name in own), None)
    if first not in own:
        hint = suggest(baseline or "", own) if baseline else "Name the original's sub-folder with --baseline."
        raise ConfigError("--baseline", baseline, f"one of {', '.join(own)}", hint.strip())
    rank = {arm: index for index, arm in enumerate(STUDY_ARMS)}
    others = sorted((name for name in own if name != first), key=lambda name: (rank.get(name, len(rank)), name))
    return {name: own[name] for name in (first, *others)}


def _named_folders(pairs: Sequence[str]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        if not (equals and folder) or name in folders:
            raise ConfigError("--arms", pair, "ARM=FOLDER, each arm once", f"Arms are {', '.join(STUDY_ARMS)}.")
        folders[name] = Path(folder)
    return folders


def short_names(paths: Sequence[Path], where: str) -> list[str]:
    """The shortest ends of the paths that tell them apart.

    Raises:
        ConfigError: Two of them are the same.
    """
    parts = [path.resolve().parts for path in paths]
    if len(set(parts)) < len(parts):
        twice = next(path for path, own in zip(paths, parts, strict=True) if parts.count(own) > 1)
        raise ConfigError(where, str(twice), "different runs, each named once")
    length = 1
    while len({own[-length:] for own in parts}) < len(parts):
        length += 1
    return [str(Path(*own[-length:])) for own in parts]
