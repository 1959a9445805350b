"""The proxy model: a small second model beside the one under test, which reasoners may ask for drafts.

It has an engine of its own, and what it costs is counted apart: a ticket that leans on a proxy must not look smaller
than it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from lottery_plugins.config import RunConfig
from lottery_plugins.errors import ConfigError
from lottery_plugins.generation import Completion, GenerationRequest
from lottery_plugins.harness.base_model import check_base_arguments, find_base_model, load_base_model
from lottery_plugins.harness.compressed import CompressedBase
from lottery_plugins.harness.engines import open_engine
from lottery_plugins.harness.run_engine import RunEngine
from lottery_plugins.harness.truncation import without_truncation
from lottery_plugins.options import build_plugin
from lottery_plugins.protocols.backend import TextEngine
from lottery_plugins.protocols.plugin import option
from lottery_plugins.specs import PluginSpec

__all__ = ["ProxyModel", "ProxyOptions", "load_proxy", "read_proxy_options"]


@dataclass(frozen=True, kw_only=True)
class ProxyOptions:
    """What may be written after the model: `proxy_model=org/name:dtype=float32:kv_cache_gb=2`.

    Raises:
        ConfigError: A value is not allowed.
    """

    name: ClassVar[str] = "proxy_model"

    dtype: str = option("auto", "type of its weights, as of lm-eval's hf")
    device: str | None = option(None, "where it runs; null: where the model under test does")
    revision: str = option("main", "of the checkpoint")
    max_length: int | None = option(None, "its window; null: the checkpoint's", unit="tokens", allowed="at least 1")
    kv_cache_gb: float = option(1.0, "size of its cache in the packed engine", unit="GB", allowed="above 0")

    def __post_init__(self) -> None:
        if not 0 < self.kv_cache_gb < float("inf"):
            raise ConfigError("proxy_model: kv_cache_gb", self.kv_cache_gb, "a number above 0")
        if self.max_length is not None and self.max_length < 1:
            raise ConfigError("proxy_model: max_length", self.max_length, "a whole number of at least 1")


def read_proxy_options(config: RunConfig) -> ProxyOptions | None:
    """The options of the run's proxy model, checked before any model is loaded; None without one.

    Raises:
        ConfigError: An unknown option or a bad value.
        DataError: The folder is not there.
    """
    if config.proxy_model is None:
        return None
    options: ProxyOptions = build_plugin(ProxyOptions, dict(config.proxy_model.options), "proxy_model")
    check_base_arguments(find_base_model("hf"), "hf", _base_args(config, options))
    return options


def _base_args(config: RunConfig, options: ProxyOptions) -> dict[str, Any]:
    """Arguments of lm-eval's hf for the proxy: its own, and the machine's as the model under test was given them."""
    given = {"pretrained": config.proxy_model.pretrained if config.proxy_model else "", "dtype": options.dtype}
    given |= {name: config.base_args[name] for name in ("device", "batch_size") if name in config.base_args}
    own = {"device": options.device, "revision": options.revision, "max_length": options.max_length}
    return given | {name: value for name, value in own.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class ProxyModel:
    """The loaded proxy model.

    Attributes:
        name: As the user wrote it.
        weights: Measures it; nothing of it is compressed.
        engine: Runs it: the packed engine where that serves it, else rounds.
    """

    name: str
    weights: CompressedBase
    engine: RunEngine

    def front(self, is_chat: bool) -> TextEngine:
        """Where requests to the proxy go."""
        front = self.engine.front(is_chat)
        return _WithoutTruncation(front) if self.engine.is_base else front

    def describe(self) -> dict[str, Any]:
        """For the ledger."""
        measured = self.weights.measured(self.engine.counted())
        weights = measured.get("weights")
        return {
            "name": self.name,
            "weights": weights.to_json() if weights is not None else None,
            "kv_bytes_per_token": measured.get("kv_bytes_per_token"),
            "engine": self.engine.describe(self.engine.counted()),
        }


class _WithoutTruncation:
    """Before rounds, which cut silently from the left: the word for it is one of our engines', not of lm-eval's hf."""

    def __init__(self, front: TextEngine) -> None:
        self._front = front
        self.count_tokens, self.release = front.count_tokens, front.release

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of one request."""
        return await self._front.generate(replace(request, config=without_truncation(request.config)))


def load_proxy(config: RunConfig, options: ProxyOptions | None) -> ProxyModel | None:
    """Load the run's proxy model, before the engine of the model under test takes what memory is left.

    Args:
        config: The run.
        options: From `read_proxy_options`; None loads nothing.
    """
    if options is None or config.proxy_model is None or config.is_plain:
        return None
    arguments: Mapping[str, Any] = _base_args(config, options)
    base = load_base_model(find_base_model("hf"), arguments)
    own = config.with_changes(base="hf", base_args=arguments, compression=(), engine=PluginSpec("auto"))
    return ProxyModel(
        name=str(config.proxy_model),
        weights=CompressedBase(base, ()),
        engine=open_engine(own, _cache_of(options), base, None),
    )


def _cache_of(options: ProxyOptions) -> Any:
    from lottery_plugins.backends.packed.options import PackedOptions

    return PackedOptions(kv_cache_gb=options.kv_cache_gb)
