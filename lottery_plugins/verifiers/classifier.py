"""The light classifier behind `hidden-state`: what is in its file, and what it says of a hidden state.

The file is JSON, so reading one runs nothing. It holds a card (what it was trained on, and how well it does) and either
a logistic regression or boosted trees. Neither needs a library to be evaluated.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError
from lottery_plugins.verifiers.trees import Trees

__all__ = ["FORMAT", "PROBE", "Card", "Classifier", "Logistic", "read_classifier", "write_classifier"]

FORMAT = "lottery-verifier-1"
PROBE = "Question: What is 2 + 3?\nAnswer: 5"
"""The text whose hidden state tells one model from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a reader of the file must know.

    Attributes:
        model: The model whose hidden states were used, as its arguments name it.
        model_hash: Of its configuration and a sample of its weights.
        layer: Which state was read.
        tasks: Tasks of the samples.
        source: The run's folder and the fingerprint of the run, where it has one.
        num_train: Samples trained on.
        num_held_out: Samples, of other clusters or documents, that the metrics were measured on.
        metrics: On those: "auc", "accuracy", "base_rate", "brier", "expected_calibration_error", and
            "auc_of_prompt_alone" where that was measured, each as (value, low, high) with a 95 % interval.
        probe: Hidden state of `PROBE` under that model.
        settings: What the training was told.
    """

    model: str
    model_hash: str
    layer: str = "last layer after the final normalization, last token"
    tasks: tuple[str, ...] = ()
    source: str = ""
    num_train: int = 0
    num_held_out: int = 0
    metrics: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    probe: tuple[float, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression on standardized features.

    Attributes:
        mean: Of each feature.
        scale: What each is divided by, above 0.
        weights: One per feature.
        bias: Of the sum.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    @property
    def num_features(self) -> int:
        """Features that it takes."""
        return len(self.weights)

    def margin(self, values: Sequence[float]) -> float:
        """The logarithm of the odds."""
        terms = zip(values, self.mean, self.scale, self.weights, strict=True)
        return math.fsum(((x - mean) / scale * weight for x, mean, scale, weight in terms)) + self.bias


@dataclass(frozen=True, slots=True)
class Classifier:
    """A classifier with its card."""

    card: Card
    model: Logistic | Trees

    def probability(self, values: Sequence[float]) -> float:
        """How likely the answer behind a hidden state is right, in [0, 1]."""
        margin = max(-700.0, min(700.0, self.model.margin(values)))
        return 1 / (1 + math.exp(-margin))


def write_classifier(path: Path, classifier: Classifier) -> None:
    """Write the file whole or not at all.

    Raises:
        DataError: It can't be written.
    """
    kind = "logistic" if isinstance(classifier.model, Logistic) else "trees"
    model = {f.name: getattr(classifier.model, f.name) for f in fields(classifier.model)}
    data = {"format": FORMAT, "card": asdict(classifier.card), "kind": kind, "model": model}
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise DataError(str(path), f"can't be written: {error.strerror}", "Name another file with --out.") from error


def read_classifier(path: Path) -> Classifier:
    """Read a file that `lottery train-verifier` wrote.

    Raises:
        DataError: It is not there, not JSON, or not such a file.
    """
    hint = "Make one: lottery train-verifier RUN_FOLDER --out verifier.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"verifier file {path}", f"can't be read: {error.strerror}", hint) from error
    except ValueError as error:
        raise DataError(f"verifier file {path}", f"is not JSON: {error}", hint) from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DataError(f"verifier file {path}", f"is not of the format {FORMAT}", hint)
    try:
        return Classifier(_card(data["card"]), _model(data["kind"], data["model"]))
    except (KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
        raise DataError(f"verifier file {path}", f"is not laid out as one ({error!r})", hint) from error


def _card(data: Mapping[str, Any]) -> Card:
    known = {name: data[name] for name in (f.name for f in fields(Card)) if name in data}
    for name in ("tasks", "probe"):
        known[name] = tuple(known.get(name, ()))
    known["metrics"] = {name: _three(values) for name, values in dict(known.get("metrics", {})).items()}
    _check_numbers(known["probe"])
    return Card(**known)


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    value, low, high = values
    return value, low, high


def _model(kind: str, data: Mapping[str, Any]) -> Logistic | Trees:
    if kind == "trees":
        return Trees.from_json(data)
    if kind != "logistic":
        raise ValueError(f"kind {kind!r}")
    model = Logistic(tuple(data["mean"]), tuple(data["scale"]), tuple(data["weights"]), data["bias"])
    _check_numbers((*model.mean, *model.scale, *model.weights, model.bias))
    if not len(model.mean) == len(model.scale) == len(model.weights) > 0 or min(model.scale) <= 0:
        raise ValueError("mean, scale and weights of different lengths, or a scale that is not above 0")
    return model


def _check_numbers(values: Sequence[object]) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{value!r} is no finite number")
