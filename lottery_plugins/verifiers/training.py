"""Training the classifier behind `hidden-state`: a part of the samples is held out, and every figure is from there."""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lottery_plugins.errors import ConfigError, DataError, MissingExtraError
from lottery_plugins.verifiers.classifier import Card, Classifier, Logistic
from lottery_plugins.verifiers.metrics import with_intervals
from lottery_plugins.verifiers.trees import Trees

__all__ = ["CONTROL", "KINDS", "Trained", "TrainingOptions", "TrainingSet", "check_enough", "check_library", "train"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

CONTROL = "auc_of_prompt_alone"
"""The metric that tells how much is known before there is an answer. What a classifier knows of the question only says
which problems are easy; it can't choose among answers to one problem."""

KINDS = {"logistic": ("sklearn", "scikit-learn"), "xgboost": ("xgboost", "xgboost")}
"""The classifiers, and what each needs: (import name, distribution)."""

_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # inverse regularization; hidden states have more dimensions than samples
_FOLDS = 5
_ROUNDS = 100
_XGBOOST = {
    "objective": "binary:logistic",
    "base_score": 0.5,  # so that the sum of the leaves is the margin
    "max_depth": 2,
    "eta": 0.1,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "nthread": 1,
}


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How to train.

    Attributes:
        kind: One of `KINDS`.
        held_out: Share of the samples that is only measured on, in (0, 1).
        seed: Of the split, the trees and the intervals.

    Raises:
        ConfigError: A value is not allowed.
    """

    kind: str = "logistic"
    held_out: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError("--kind", self.kind, " or ".join(KINDS))
        if not 0.05 <= self.held_out <= 0.5:
            raise ConfigError("--held-out", self.held_out, "a number in [0.05, 0.5]", "It is the share to measure on.")


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingSet:
    """Samples.

    Attributes:
        features: Hidden states, (samples, dimensions).
        correct: 1 for a right answer, 0 for a wrong one, (samples,).
        groups: What must not be in both parts: the sample's cluster, else its document.
        prompts: Hidden states of the prompts without their answers, as a control; None measures none.
    """

    features: Floats
    correct: Floats
    groups: Sequence[str]
    prompts: Floats | None = None


@dataclass(frozen=True)
class Trained:
    """A classifier's numbers and how well they do on what was held out."""

    model: Logistic | Trees
    metrics: dict[str, tuple[float, float, float]]
    num_train: int
    num_held_out: int
    settings: dict[str, Any]


def check_library(kind: str) -> None:
    """Check that what a kind needs is installed, before hidden states are computed.

    Raises:
        MissingExtraError: It is not.
    """
    module, distribution = KINDS[kind]
    if importlib.util.find_spec(module) is None:
        raise MissingExtraError(f"train-verifier --kind {kind}", module, f"pip install {distribution}")


def train(data: TrainingSet, options: TrainingOptions) -> Trained:
    """Split by groups, train on one part, measure on the other.

    Raises:
        DataError: There are too few right or wrong answers for two parts.
    """
    check_library(options.kind)
    check_enough(data.correct.tolist(), data.groups)
    held_out, kept = next(_folds(data, max(2, round(1 / options.held_out)), options.seed))
    model, settings = _fit(data.features, data, kept, options)
    metrics = _measured(model, data.features, data, held_out, options)
    if data.prompts is not None:
        control, _ = _fit(data.prompts, data, kept, options)
        metrics[CONTROL] = _measured(control, data.prompts, data, held_out, options)["auc"]
    return Trained(
        model=model,
        metrics=metrics,
        num_train=len(kept),
        num_held_out=len(held_out),
        settings={"kind": options.kind, "held_out": options.held_out, "seed": options.seed, **settings},
    )


def _fit(
    features: Floats, data: TrainingSet, rows: Rows, options: TrainingOptions
) -> tuple[Logistic | Trees, dict[str, Any]]:
    part = TrainingSet(features=features[rows], correct=data.correct[rows], groups=[data.groups[i] for i in rows])
    return (_fit_logistic if options.kind == "logistic" else _fit_trees)(part, options.seed)


def _measured(
    model: Logistic | Trees, features: Floats, data: TrainingSet, rows: Rows, options: TrainingOptions
) -> dict[str, tuple[float, float, float]]:
    classifier = Classifier(Card(model="", model_hash=""), model)
    probability = np.array([classifier.probability(row) for row in features[rows].tolist()])
    return with_intervals(probability, data.correct[rows], [data.groups[i] for i in rows], options.seed)


def check_enough(correct: Sequence[float], groups_of: Sequence[str]) -> None:
    """Check that there are right and wrong answers for both parts and for the folds of one.

    Raises:
        DataError: There are not.
    """
    for value, word in ((1, "right"), (0, "wrong")):
        groups = {group for group, is_right in zip(groups_of, correct, strict=True) if is_right == value}
        if len(groups) < 2 * _FOLDS:
            problem = f"has {word} answers to {len(groups)} documents"
            hint = f"At least {2 * _FOLDS} are needed: take more documents, more tasks, or easier ones."
            raise DataError("The run", problem, hint)


def _folds(data: TrainingSet, number: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """(held out, kept) rows of each fold; groups are whole, right answers shared out evenly."""
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    for kept, held_out in folds.split(data.features, data.correct.astype(int), list(data.groups)):
        yield held_out, kept


def _fit_logistic(data: TrainingSet, seed: int) -> tuple[Logistic, dict[str, Any]]:
    """The regularization is chosen by the loss on folds of this part."""
    losses = dict.fromkeys(_STRENGTHS, 0.0)
    for held_out, kept in _folds(data, _FOLDS, seed):
        for strength in _STRENGTHS:
            model = _regression(data.features[kept], data.correct[kept], strength)
            margins = np.array([model.margin(row) for row in data.features[held_out].tolist()])
            signs = 2 * data.correct[held_out] - 1
            losses[strength] += float(np.logaddexp(0, -signs * margins).sum())
    best = min(losses, key=losses.__getitem__)
    return _regression(data.features, data.correct, best), {"inverse_regularization": best}


def _regression(features: Floats, correct: Floats, strength: float) -> Logistic:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 1e-12, scale, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        fitted = LogisticRegression(C=strength, max_iter=5000).fit((features - mean) / scale, correct.astype(int))
    weights = tuple(fitted.coef_[0].tolist())
    return Logistic(tuple(mean.tolist()), tuple(scale.tolist()), weights, float(fitted.intercept_[0]))


def _fit_trees(data: TrainingSet, seed: int) -> tuple[Trees, dict[str, Any]]:
    import xgboost

    matrix = xgboost.DMatrix(data.features.astype(np.float32), label=data.correct)
    booster = xgboost.train({**_XGBOOST, "seed": seed}, matrix, num_boost_round=_ROUNDS)
    dump = [json.loads(tree) for tree in booster.get_dump(dump_format="json")]
    return Trees.from_dump(dump, data.features.shape[1]), {"rounds": _ROUNDS, **_XGBOOST}
