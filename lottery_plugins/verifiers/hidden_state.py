"""`hidden-state`: a light classifier reads from the model's hidden state whether the answer is right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.messages import Message, continued
from lottery_plugins.protocols.backend import ReadsHiddenStates
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.trajectory import Problem
from lottery_plugins.verifiers.classifier import PROBE, Classifier, read_classifier
from lottery_plugins.verifiers.judging import check_threshold, judged

__all__ = ["HiddenStateVerifier"]

_SAME = 0.999  # cosine: rounding to bfloat16 or 8 bits stays above, other weights do not


@dataclass(frozen=True)
class HiddenStateVerifier:
    """Score an answer by a classifier on the model's last hidden state after the problem's prompt and the answer.

    The classifier comes from `lottery train-verifier` and fits one model: that the run has the same one is checked
    before the first problem. It also fits the kind of answer that it was trained on: a classifier trained on one-line
    answers knows nothing of long reasoning.

    Raises:
        ConfigError: If the threshold is outside [0, 1); before the first problem, if the classifier was trained on
            another model.
        DataError: If the file is none of `lottery train-verifier`.

    Cost: one forward pass over prompt and answer, and no generated token.
    Source: LiLaVe.
    Deviation: LiLaVe averages the scores at several tokens and layers of a generation under way, by boosted trees; here
        it is one state, of the last layer after the answer, and a logistic regression unless trained otherwise.
    """

    name: ClassVar[str] = "hidden-state"
    summary: ClassVar[str] = "Read from the model's hidden state whether the answer is right."
    source: ClassVar[str] = "Piotrowski et al. 2025, arXiv:2504.16760"

    file: str = option(help="classifier from `lottery train-verifier`")
    threshold: float = option(0.5, "answers that score above it are accepted", allowed="[0, 1)")
    other_model: bool = option(False, "use it with another model than it was trained on, such as a compressed one")

    def __post_init__(self) -> None:
        check_threshold("hidden-state.threshold", self.threshold)
        _ = self.classifier  # a file that can't be used is told of now, not when the model is loaded

    @cached_property
    def classifier(self) -> Classifier:
        """What the file holds."""
        return read_classifier(Path(self.file).expanduser())

    async def check_model(self, hidden: ReadsHiddenStates) -> None:
        """Compare the hidden state of a short text with that of the model trained on; see `BoundToModel`."""
        card = self.classifier.card
        values = (await hidden.features((Message("user", PROBE),))).values
        self._check_size(values)
        near = _cosine(values, card.probe) if len(values) == len(card.probe) else 0.0
        if near < _SAME and not self.other_model:
            raise ConfigError(
                f"verifier: hidden-state.file={self.file}",
                f"a model whose hidden state has the cosine {near:.4f} with that of the one trained on",
                f"the model {card.model}, cosine {_SAME} or more",
                "Train one for this model: lottery train-verifier; other_model=true uses it all the same.",
            )

    async def verify(self, problem: Problem, answer: str, services: Services) -> Judgement:
        """Read the state and classify it."""
        values = await services.features(continued(problem.messages, answer.strip()))
        self._check_size(values)
        score = self.classifier.probability(values)
        return judged(score, self.threshold, f"right with probability {score:.3f} by {Path(self.file).name}")

    def _check_size(self, values: Sequence[float]) -> None:
        wanted = self.classifier.model.num_features
        if len(values) != wanted:
            raise ConfigError(
                f"verifier: hidden-state.file={self.file}",
                f"hidden states of {len(values)} dimensions",
                f"{wanted}, as of {self.classifier.card.model}, on which it was trained",
                "Train one for this model: lottery train-verifier.",
            )


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0
