"""The engine of a run: where reasoners' requests and lm-eval's own go, and what it counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lottery_plugins.backends.harness_lm import HarnessBackend
from lottery_plugins.engine.conversations import Conversations
from lottery_plugins.engine.rounds import RoundScheduler
from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import ConfigError
from lottery_plugins.harness.compressed import has_weights
from lottery_plugins.harness.engine_lm import EngineLM, window_of
from lottery_plugins.harness.gen_settings import SamplingDefaults, check_extra
from lottery_plugins.harness.served import ServerLM
from lottery_plugins.harness.truncation import CuttingFront, truncation_of
from lottery_plugins.protocols.backend import ReadsHiddenStates, TextEngine
from lottery_plugins.protocols.engine import TokenEngine
from lottery_plugins.trajectory import Problem

__all__ = ["RunEngine"]

_BATCHES_A_ROUND = 4  # so that the base model can sort by length inside a round


@dataclass(kw_only=True)
class RunEngine:
    """What answers a run's requests.

    Attributes:
        name: As in `engine=`.
        base: The lm-eval model.
        max_live: Most problems in flight; sizes the rounds where the base model's batch size is not a number.
        tokens: The token engine; None where there is none.
        takes_messages: Whether chats go to the engine as messages; otherwise they are rendered here.
        server: A server that takes text; without it and without `tokens` the base model's own methods answer.
        codec_of: The codec for rendering as a chat, or as plain text.
        facts: What the ledger tells of it beside the counts: threads, kv_cache_bytes.
    """

    name: str
    base: Any
    max_live: int
    tokens: TokenEngine | None = None
    server: Any = None
    takes_messages: bool = False
    codec_of: Callable[[bool], TokenCodec] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    _fronts: dict[bool, TextEngine] = field(default_factory=dict)
    _before: EngineStatistics | None = None

    @property
    def statistics(self) -> EngineStatistics | None:
        """Counts since it was made; None where nothing is counted."""
        return getattr(self.tokens, "statistics", None)

    @property
    def defaults(self) -> SamplingDefaults:
        """The model's own sampling settings, for an engine that does not read them itself."""
        return SamplingDefaults.of(getattr(self.base, "_model", None))

    @property
    def max_length(self) -> int | None:
        """Most tokens of prompt and completion; None where nobody tells."""
        return window_of(self.tokens, self.base)

    @property
    def is_base(self) -> bool:
        """Whether the base model answers lm-eval's own requests by itself."""
        return self.tokens is None and self.server is None

    def front(self, is_chat: bool) -> TextEngine:
        """Where reasoners' requests go: text in, text out. One for each rendering, kept across calls.

        Raises:
            ConfigError: A server that takes plain text only is to answer chats.
        """
        if self.server is not None:
            if is_chat and not self.takes_messages:
                hint = "Use engine=openai:api=chat, or leave --apply_chat_template out."
                raise ConfigError("engine=openai", "chats", "plain prompts with api=completions and a reasoner", hint)
            return self.server  # type: ignore[no-any-return]
        if self.tokens is None or self.codec_of is None:
            return RoundScheduler(HarnessBackend(self.base, is_chat=is_chat), self._round_size())
        if is_chat not in self._fronts:
            codec = self.codec_of(is_chat)
            front: TextEngine = Conversations(self.tokens, codec)
            if self.max_length is not None:
                front = CuttingFront(front, codec, self.max_length)
            self._fronts[is_chat] = front
        return self._fronts[is_chat]

    def hidden_states(self, is_chat: bool) -> ReadsHiddenStates | None:
        """Tells hidden states of the base model; None where its weights are elsewhere, or it is no causal model."""
        base = self.base
        if not has_weights(base) or getattr(base, "backend", "causal") != "causal":
            return None
        from lottery_plugins.backends.codec import HarnessCodec
        from lottery_plugins.backends.hidden_states import HiddenStates

        return HiddenStates(base.model, HarnessCodec(base, is_chat=is_chat), base.max_length)

    def prepared(self, problems: Sequence[Problem], truncation: str) -> list[Problem]:
        """The problems with what an engine of ours must be told: the model's sampling settings, what may be cut.

        Raises:
            ConfigError: A task has settings that this engine does not know.
        """
        if self.is_base:
            return list(problems)
        for task, config in {problem.task: problem.config for problem in problems}.items():
            check_extra(config, f"task {task}")
        return [self._prepared(problem, truncation) for problem in problems]

    def _prepared(self, problem: Problem, of_run: str) -> Problem:
        config = self.defaults.fill(problem.config)
        truncation = truncation_of(problem.task, dict(problem.config.extra).get("truncation"), of_run)
        if truncation == "left" and self.server is None:
            config = config.with_changes(extra=(*config.extra, ("truncation", truncation)))
        return replace(problem, config=config)

    def lm(self, truncation: str) -> EngineLM | ServerLM | None:
        """Answers lm-eval's own requests; None: the base model does."""
        if self.server is not None:
            return ServerLM(self.server)
        if self.tokens is None or self.codec_of is None:
            return None
        return EngineLM(self.tokens, self.codec_of(False), self.base, truncation, self.defaults)

    def mark(self) -> None:
        """Count from here on: lm-eval begins a new evaluation with the same model."""
        if self.statistics is not None:
            self._before = self.statistics.begin()

    def counted(self) -> EngineStatistics | None:
        """Counts since `mark`."""
        if self.statistics is None:
            return None
        return self.statistics.since(self._before) if self._before is not None else self.statistics

    def describe(self, counts: EngineStatistics | None) -> dict[str, Any]:
        """For the ledger, with what `counted` gave."""
        return {"name": self.name, **(counts.to_json() if counts is not None else {}), **self.facts}

    def _round_size(self) -> int:
        size = getattr(self.base, "batch_size", 1)
        return max(_BATCHES_A_ROUND * size, 16) if isinstance(size, int) else self.max_live
