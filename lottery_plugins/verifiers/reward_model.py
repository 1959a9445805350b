"""`reward-model`: a second model, trained to rate answers, rates the answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.messages import continued
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.trajectory import Problem
from lottery_plugins.verifiers.judging import check_at_least, check_threshold, judged
from lottery_plugins.verifiers.together import Together

__all__ = ["RewardModelVerifier"]


@dataclass(frozen=True)
class RewardModelVerifier:
    """Score an answer with any sequence-classification model of the hub or of a folder.

    The problem's prompt and the answer are rendered by that model's own chat template, or read as a pair of texts where
    it has none. One output is squashed by a sigmoid, so 0.5 is a reward of 0, which is no promise that it divides good
    from bad: look at the scores, then choose `threshold`. Of two outputs or more, `label` names the one whose share
    counts.

    Loaded at the first answer. It runs in a thread of its own, one batch at a time; answers that come while it is busy
    share the next batch. Its tokens are none of the model under test: the ledger states them apart, with the bytes of
    its weights.

    Raises:
        ConfigError: If an option is out of range; at the first answer, if `label` is none of the model's.
        DataError: At the first answer, if it can't be loaded.

    Cost: one forward pass of the reward model over prompt and answer.
    """

    name: ClassVar[str] = "reward-model"
    summary: ClassVar[str] = "Score answers with a reward model of the hub or of a folder."
    source: ClassVar[str] = "Ouyang et al. 2022, arXiv:2203.02155"

    model: str = option(help="folder, or name on the hub, of a sequence-classification model")
    label: str = option("", "output that stands for a good answer, where there are several; empty: the last")
    threshold: float = option(0.5, "answers that score above it are accepted", allowed="[0, 1)")
    device: str = option("cpu", "where it runs")
    dtype: str = option("auto", "type of its weights; auto: as stored")
    revision: str = option("main", "of the checkpoint")
    batch_size: int = option(8, "most answers at once", allowed="1 or more")
    max_tokens: int | None = option(None, "longer texts lose their beginning; none: its window", unit="tokens")

    def __post_init__(self) -> None:
        check_threshold("reward-model.threshold", self.threshold)
        check_at_least(1, "reward-model.batch_size", self.batch_size)
        check_at_least(1, "reward-model.max_tokens", self.max_tokens)
        looks_local = self.model.startswith(("/", ".", "~"))
        if not self.model or (looks_local and not Path(self.model).expanduser().is_dir()):
            raise ConfigError("verifier: reward-model.model", self.model, "a folder that exists, or a name on the hub")

    async def verify(self, problem: Problem, answer: str, services: Services) -> Judgement:
        """Rate the answer."""
        turns = [{"role": m.role, "content": m.content} for m in continued(problem.messages, answer)]
        score = await self._together.ask(tuple((turn["role"], turn["content"]) for turn in turns))
        return judged(score, self.threshold, f"{Path(self.model).name} rates it {score:.3f}")

    def costs(self) -> dict[str, Any]:
        """What the reward model did so far; see `HasCosts`."""
        scorer = self.__dict__.get("_scorer")  # not loaded for this
        return {"name": self.model, **(scorer.costs() if scorer is not None else {})}

    @cached_property
    def _together(self) -> Together[tuple[tuple[str, str], ...], float]:
        return Together(self._rate_all, self.batch_size)

    def _rate_all(self, texts: list[tuple[tuple[str, str], ...]]) -> list[float]:
        """Rate a batch; called in the verifier's thread."""
        return self._scorer.rate(texts)  # type: ignore[no-any-return]

    @cached_property
    def _scorer(self) -> Any:
        from lottery_plugins.verifiers.reward_scorer import RewardScorer

        with _LOADING:
            return RewardScorer(self)


_LOADING = threading.Lock()
