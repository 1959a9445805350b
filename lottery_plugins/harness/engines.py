"""Which engine runs the model: `engine=` read before the model is loaded, the engine made after it is.

`auto` takes the packed engine where the model is served and nothing of ours would go around it, else rounds through the
base model's own `generate_until`, and says which and why. An engine lives as long as its model, so that what it has
computed is found again in the next call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lottery_plugins.backends.harness_lm import HarnessBackend
from lottery_plugins.config import RunConfig
from lottery_plugins.engine.rounds import RoundScheduler
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import ConfigError
from lottery_plugins.harness.engine_lm import EngineLM
from lottery_plugins.harness.gen_settings import SamplingDefaults, check_extra, check_model_settings
from lottery_plugins.options import build_plugin
from lottery_plugins.protocols.backend import TextEngine
from lottery_plugins.protocols.compression import removed_count
from lottery_plugins.protocols.engine import TokenEngine
from lottery_plugins.trajectory import Problem

__all__ = ["RunEngine", "open_engine", "read_engine_options"]

logger = logging.getLogger(__name__)

_BATCHES_A_ROUND = 4  # so that the base model can sort by length inside a round


@dataclass(kw_only=True)
class RunEngine:
    """What answers a run's requests.

    Attributes:
        name: As in `engine=`.
        base: The lm-eval model.
        max_live: Most problems in flight; sizes the rounds where the base model's batch size is not a number.
        tokens: The token engine; None: the base model's own methods.
        codec_of: The codec for rendering as a chat, or as plain text.
        facts: What the ledger tells of it beside the counts: threads, kv_cache_bytes.
    """

    name: str
    base: Any
    max_live: int
    tokens: TokenEngine | None = None
    codec_of: Callable[[bool], TokenCodec] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    _fronts: dict[bool, TextEngine] = field(default_factory=dict)

    @property
    def statistics(self) -> Any:
        """Its `EngineStatistics`; None where nothing is counted."""
        return getattr(self.tokens, "statistics", None)

    @property
    def defaults(self) -> SamplingDefaults:
        """The model's own sampling settings, for an engine that does not read them itself."""
        return SamplingDefaults.of(getattr(self.base, "_model", None))

    def front(self, is_chat: bool) -> TextEngine:
        """Where reasoners' requests go: text in, text out. One for each rendering, kept across calls."""
        if self.tokens is None or self.codec_of is None:
            return RoundScheduler(HarnessBackend(self.base, is_chat=is_chat), self._round_size())
        if is_chat not in self._fronts:
            from lottery_plugins.engine.conversations import Conversations

            self._fronts[is_chat] = Conversations(self.tokens, self.codec_of(is_chat))
        return self._fronts[is_chat]

    def prepared(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems with the model's own sampling settings filled in, where the engine does not read them itself.

        Raises:
            ConfigError: A task has settings that this engine does not know.
        """
        if self.tokens is None:
            return list(problems)
        for task, config in {problem.task: problem.config for problem in problems}.items():
            check_extra(config, f"task {task}")
        return [replace(problem, config=self.defaults.fill(problem.config)) for problem in problems]

    def lm(self, truncation: str) -> EngineLM | None:
        """Answers lm-eval's own requests; None: the base model does."""
        if self.tokens is None or self.codec_of is None:
            return None
        return EngineLM(self.tokens, self.codec_of(False), self.base, truncation, self.defaults)

    def describe(self) -> dict[str, Any]:
        """For the ledger."""
        counted = self.statistics.to_json() if self.statistics is not None else {}
        return {"name": self.name, **counted, **self.facts}

    def _round_size(self) -> int:
        size = getattr(self.base, "batch_size", 1)
        return max(_BATCHES_A_ROUND * size, 16) if isinstance(size, int) else self.max_live


def read_engine_options(config: RunConfig) -> Any:
    """The options written after the engine's name, checked; None where none can be.

    Raises:
        ConfigError: An unknown option, a bad value, or an engine that can't be had with these settings.
    """
    spec = config.engine
    where = f"engine={spec.name}"
    if spec.name in ("auto", "rounds"):
        if spec.options:
            raise ConfigError(
                where, dict(spec.options), "no options", "Name the engine that has them: packed:threads=2."
            )
        return None
    return build_plugin(_options_class(spec.name), dict(spec.options), where)


def _options_class(name: str) -> type:
    if name == "packed":
        from lottery_plugins.backends.packed.options import PackedOptions

        return PackedOptions
    raise ConfigError("engine", name, "auto, packed or rounds")


def open_engine(config: RunConfig, options: Any, base: Any, press: Any) -> RunEngine:
    """Make the engine that a run asks for, or the one that `auto` takes.

    Args:
        config: The run.
        options: From `read_engine_options`.
        base: The lm-eval model, its weights already compressed.
        press: The run's KV-cache method, attached to nothing yet; None for none.

    Raises:
        ConfigError: The engine was asked for by name and can't serve this model.
    """
    rounds = RunEngine(name="rounds", base=base, max_live=config.max_live)
    if config.is_untouched or config.engine.name == "rounds":
        return rounds
    try:
        engine = _open_packed(config, options, base, press)
    except ConfigError as error:
        if config.engine.name != "auto":
            raise
        logger.info("engine=rounds runs the model, batch by batch; not engine=packed: %s", error)
        return rounds
    logger.info("engine=%s runs the model.", engine.name)
    return engine


def _open_packed(config: RunConfig, options: Any, base: Any, press: Any) -> RunEngine:
    _check_base(base)
    from lottery_plugins.backends.codec import HarnessCodec
    from lottery_plugins.backends.packed.build import build_runner
    from lottery_plugins.backends.packed.threads import set_threads
    from lottery_plugins.engine.packed import PackedEngine

    threads = set_threads(options.threads if options else None)
    runner = build_runner(base._model, options, press)
    return RunEngine(
        name="packed",
        base=base,
        max_live=config.max_live,
        tokens=PackedEngine(runner, HarnessCodec(base, is_chat=False), _keep_of(press)),
        codec_of=lambda is_chat: HarnessCodec(base, is_chat=is_chat),
        facts={"threads": threads, "kv_cache_positions": runner.num_blocks * runner.block_size},
    )


def _keep_of(press: Any) -> Callable[[int], int] | None:
    if press is None or not press.compression_ratio:
        return None
    return lambda num_tokens: num_tokens - removed_count(num_tokens, press.compression_ratio)


def _check_base(base: Any) -> None:
    """Refuse base models whose answers come from more than the model's forward pass.

    Raises:
        ConfigError: With what stands in the way.
    """
    model, name = getattr(base, "_model", None), type(base).__name__
    allowed = "base=hf with one causal model on one device of this process"
    where = "engine=packed"
    if model is None:
        raise ConfigError(where, f"base model {name} (its weights are not in this process)", allowed)
    if getattr(base, "backend", "causal") != "causal":
        raise ConfigError(where, f"{name} with backend={base.backend}", allowed)
    if getattr(base, "world_size", 1) > 1 or hasattr(base, "accelerator"):
        raise ConfigError(where, f"{name} on several processes", allowed)
    if len(set(getattr(model, "hf_device_map", {}).values())) > 1:
        raise ConfigError(where, f"{name} spread over several devices", allowed)
    for setting in ("think_end_token", "enable_thinking", "mixed_precision_dtype", "softmax_dtype"):
        if getattr(base, setting, None) not in (None, False):
            raise ConfigError(where, f"{setting}={getattr(base, setting)}", "a base model without it")
    check_model_settings(model, where)
