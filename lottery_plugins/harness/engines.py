"""Which engine runs the model: `engine=` read before the model is loaded, the engine made after it is.

`auto` takes the packed engine where the model is served and nothing of ours would go around it, else rounds through the
base model's own `generate_until`, and says which and why. An engine lives as long as its model, so that what it has
computed is found again in the next call.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.compression.loading import with_load_arguments
from lottery_plugins.config import RunConfig
from lottery_plugins.errors import ConfigError
from lottery_plugins.harness.base_model import find_base_model
from lottery_plugins.harness.gen_settings import check_model_settings
from lottery_plugins.harness.ranks import is_replica
from lottery_plugins.harness.run_engine import RunEngine
from lottery_plugins.options import build_plugin, check_requirements

__all__ = ["base_args_for", "base_class_for", "open_engine", "read_engine_options"]

logger = logging.getLogger(__name__)

_ELSEWHERE = ("vllm", "openai")  # engines whose weights are not in this process
_OF_THE_COMMAND_LINE = ("batch_size", "max_batch_size", "device")


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
    cls = _options_class(spec.name)
    check_requirements(cls, where)
    return build_plugin(cls, dict(spec.options), where)


def _options_class(name: str) -> type:
    if name == "packed":
        from lottery_plugins.backends.packed.options import PackedOptions

        return PackedOptions
    if name == "vllm":
        from lottery_plugins.backends.vllm_options import VllmOptions

        return VllmOptions
    from lottery_plugins.backends.openai_options import OpenAIOptions

    return OpenAIOptions


def base_class_for(config: RunConfig) -> type:
    """The lm-eval model to load: the one named, or its tokenizer alone where the engine loads the weights elsewhere.

    Raises:
        ConfigError: There is no such model, or the engine does not go with it.
    """
    named = find_base_model(config.base)
    if config.engine.name not in _ELSEWHERE:
        return named
    if config.base != "hf":
        raise ConfigError(f"engine={config.engine.name}", f"base={config.base}", "base=hf, whose tokens it uses")
    if config.compression:
        allowed = "none with this engine, whose weights are not in this process"
        hint = "Serve a checkpoint that is compressed already, or use engine=packed."
        raise ConfigError("compression", str(config.describe()["compression"]), allowed, hint)
    if "pretrained" not in config.base_args and config.engine.name == "openai":
        from lottery_plugins.harness.served import ServedLM

        return ServedLM
    from lottery_plugins.backends.tokenizer_lm import TokenizerLM

    return TokenizerLM


def base_args_for(config: RunConfig, methods: Sequence[Any]) -> Mapping[str, Any]:
    """Its arguments, with those of methods that act as the model is loaded.

    What lm-eval's command line adds for models of its own is left out where only tokens are used.

    Raises:
        ConfigError: The user gives one of them another value than a method does.
    """
    if config.engine.name not in _ELSEWHERE:
        return with_load_arguments(methods, config.base_args)
    return {name: value for name, value in config.base_args.items() if name not in _OF_THE_COMMAND_LINE}


def open_engine(config: RunConfig, options: Any, base: Any, press: Any, quantizer: Any = None) -> RunEngine:
    """Make the engine that a run asks for, or the one that `auto` takes.

    Args:
        config: The run.
        options: From `read_engine_options`.
        base: The lm-eval model, its weights already compressed.
        press: The run's method that drops cached positions, attached to nothing yet; None for none.
        quantizer: Its method that stores them in few bits, likewise.

    Raises:
        ConfigError: The engine was asked for by name and can't serve this model.
    """
    rounds = RunEngine(name="rounds", base=base, max_live=config.max_live)
    if config.is_untouched or config.engine.name == "rounds":
        return rounds
    if config.engine.name == "vllm":
        return _open_vllm(config, options, base)
    if config.engine.name == "openai":
        return _open_server(config, options, base)
    try:
        engine = _open_packed(config, options, base, press, quantizer)
    except ConfigError as error:
        if config.engine.name != "auto":
            raise
        logger.warning("engine=rounds runs the model, batch by batch. Not engine=packed: %s", error)
        return rounds
    logger.info("engine=%s runs the model.", engine.name)
    return engine


def _open_packed(config: RunConfig, options: Any, base: Any, press: Any, quantizer: Any) -> RunEngine:
    _check_base(base)
    from lottery_plugins.backends.codec import HarnessCodec
    from lottery_plugins.backends.packed.build import build_runner
    from lottery_plugins.engine.packed import PackedEngine

    runner = build_runner(base._model, options, press, quantizer)
    runner.max_length = min(runner.max_length, base.max_length)  # one window for all, also where the user sets it
    return RunEngine(
        name="packed",
        base=base,
        max_live=config.max_live,
        tokens=PackedEngine(runner, HarnessCodec(base, is_chat=False), runner.methods),
        codec_of=lambda is_chat: HarnessCodec(base, is_chat=is_chat),
        facts={"threads": runner.threads, "kv_cache_bytes": runner.cache_bytes},
    )


def _open_vllm(config: RunConfig, options: Any, base: Any) -> RunEngine:
    from lottery_plugins.backends.codec import HarnessCodec
    from lottery_plugins.backends.vllm_engine import VllmEngine

    engine = VllmEngine.load(base.pretrained, HarnessCodec(base, is_chat=False), options)
    atexit.register(engine.close)
    return RunEngine(
        name="vllm",
        base=base,
        max_live=config.max_live,
        tokens=engine,
        codec_of=lambda is_chat: HarnessCodec(base, is_chat=is_chat),
    )


def _open_server(config: RunConfig, options: Any, base: Any) -> RunEngine:
    from lottery_plugins.backends.codec import HarnessCodec
    from lottery_plugins.backends.openai_server import OpenAIServer

    server = OpenAIServer(options, HarnessCodec(base, is_chat=False) if base.tokenizer is not None else None)
    atexit.register(server.close)
    is_chat = options.api == "chat"
    return RunEngine(name="openai", base=base, max_live=config.max_live, server=server, takes_messages=is_chat)


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
    if is_replica(base.world_size):
        raise ConfigError(where, f"{name} on several processes that share a model", allowed)
    if getattr(base, "model", model) is not model:
        raise ConfigError(where, f"{name} whose model accelerate has wrapped", allowed)
    if len(set(getattr(model, "hf_device_map", {}).values())) > 1:
        raise ConfigError(where, f"{name} spread over several devices", allowed)
    for setting in ("think_end_token", "enable_thinking", "mixed_precision_dtype", "softmax_dtype"):
        if getattr(base, setting, None) not in (None, False):
            raise ConfigError(where, f"{setting}={getattr(base, setting)}", "a base model without it")
    check_model_settings(model, where)
