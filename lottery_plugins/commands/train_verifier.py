"""`lottery train-verifier RUN_FOLDER`: from the answers of a finished run to a classifier on hidden states."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lottery_plugins.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from lottery_plugins.harness.reading import FeatureModel
    from lottery_plugins.results.examples import Example
    from lottery_plugins.results.load import Run
    from lottery_plugins.verifiers.classifier import Classifier
    from lottery_plugins.verifiers.training import Trained, TrainingSet

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run", type=Path, metavar="RUN_FOLDER", help="output folder of lm-eval, with --log_samples")
    parser.add_argument("--out", type=Path, required=True, help="file to write, such as verifier.json")
    parser.add_argument("--task", action="append", default=[], help="only this task; may be repeated (default: all)")
    parser.add_argument("--metric", help="score that says right or wrong (default: the task's)")
    parser.add_argument("--model", help="folder or hub name of the model to read (default: the run's own)")
    parser.add_argument("--model-args", default="", help="its other arguments, as of lm-eval: dtype=float32,...")
    parser.add_argument("--kind", default="logistic", help="logistic, or xgboost (default: %(default)s)")
    parser.add_argument(
        "--held-out", type=float, default=0.3, help="share to measure on, as one part in n (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: %(default)s)")
    parser.add_argument("--no-control", action="store_true", help="leave out the control on prompts without answers")
    parser.add_argument("--limit", type=int, help="take only the first so many answers")


def run(args: argparse.Namespace) -> int:
    """Read the answers, compute hidden states, train, measure, write."""
    from rich.console import Console

    from lottery_plugins.results.examples import read_examples
    from lottery_plugins.results.load import load_run
    from lottery_plugins.verifiers.classifier import write_classifier
    from lottery_plugins.verifiers.training import TrainingOptions, check_enough, check_library, train

    options = TrainingOptions(kind=args.kind, held_out=args.held_out, seed=args.seed)
    check_library(options.kind)
    _check(args)
    finished = load_run(args.run, "run")
    examples = read_examples(finished, args.task, args.metric)[: args.limit]
    check_enough([float(example.correct) for example in examples], [example.group for example in examples])
    console = Console()
    model = _load(args, finished, console)
    trained = train(_features(model, examples, console, has_control=not args.no_control), options)
    tasks = sorted({example.task for example in examples})
    classifier = _with_card(trained, model, finished, tasks)
    write_classifier(args.out, classifier)
    _show(args.out, classifier, console)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.limit is not None and args.limit < 1:
        raise ConfigError("--limit", args.limit, "a whole number of at least 1")
    if args.out.is_dir() or not args.out.parent.is_dir():
        raise ConfigError("--out", str(args.out), "a file in a folder that exists")


def _load(args: argparse.Namespace, finished: Run, console: Console) -> FeatureModel:
    from lottery_plugins.harness.reading import FeatureModel, model_arguments_of, parse_model_args

    own: dict[str, Any] = {}
    if args.model is None:
        tasks = set(args.task) or set(finished.tasks)
        finished.check_one_model(tasks)
        file = finished.tasks[min(tasks)].file
        own = model_arguments_of(str(dict(file.data.get("config") or {}).get("model")), file.model_args)
    given = {"pretrained": args.model} if args.model is not None else {}
    arguments = {**own, **given, **parse_model_args(args.model_args)}
    console.print(f"Loading {arguments.get('pretrained', 'the model')} ...", markup=False)
    return FeatureModel(arguments)


def _features(model: FeatureModel, examples: Sequence[Example], console: Console, *, has_control: bool) -> TrainingSet:
    import numpy as np
    from rich.progress import track

    from lottery_plugins.verifiers.training import TrainingSet

    steps = track(examples, "hidden states", console=console, disable=not console.is_terminal)
    states, prompts = [], []
    for example in steps:
        states.append(model.read(example.messages, is_chat=example.is_chat).values)
        if has_control:
            prompts.append(model.read(example.prompt, is_chat=example.is_chat).values)
    return TrainingSet(
        features=np.array(states, dtype=np.float64),
        correct=np.array([float(example.correct) for example in examples]),
        groups=[example.group for example in examples],
        prompts=np.array(prompts, dtype=np.float64) if has_control else None,
    )


def _with_card(trained: Trained, model: FeatureModel, finished: Run, tasks: Sequence[str]) -> Classifier:
    from lottery_plugins.messages import Message
    from lottery_plugins.verifiers.classifier import PROBE, Card, Classifier

    ledger = finished.tasks[tasks[0]].file.ledger
    fingerprint = str(ledger.run.get("fingerprint", ""))[:16] if ledger is not None else ""
    card = Card(
        model=model.name,
        model_hash=model.model_hash,
        tasks=tuple(tasks),
        source=" ".join(filter(None, (finished.folder.name, fingerprint))),
        num_train=trained.num_train,
        num_held_out=trained.num_held_out,
        metrics=trained.metrics,
        probe=model.read((Message("user", PROBE),), is_chat=False).values,
        settings=trained.settings,
    )
    return Classifier(card, trained.model)


def _warnings(metrics: Mapping[str, tuple[float, float, float]]) -> list[str]:
    """What the figures do not show, so that nobody reads it into them."""
    from lottery_plugins.verifiers.training import CONTROL

    (value, low, _), control = metrics["auc"], metrics.get(CONTROL)
    if low <= 0.5:
        return ["The interval of the AUC holds 0.5: nothing shows that it tells right from wrong."]
    if control is not None and control[2] >= value:
        return ["The prompt alone may tell as much: it may know which questions are easy, and not which answers fit."]
    return []


def _show(path: Path, classifier: Classifier, console: Console) -> None:
    from rich.table import Table

    card = classifier.card
    table = Table("on what was held out", "value", "95% interval", title=f"{card.settings['kind']} on hidden states")
    for name, (value, low, high) in card.metrics.items():
        table.add_row(name.replace("_", " "), f"{value:.3f}", f"[{low:.3f}, {high:.3f}]")
    console.print(table)
    console.print(f"{card.num_train} answers trained on, {card.num_held_out} held out.", markup=False)
    for warning in _warnings(card.metrics):
        console.print(warning, style="yellow")
    console.print(f"Written: {path}; use it as verifier=hidden-state:file={path}", markup=False)
