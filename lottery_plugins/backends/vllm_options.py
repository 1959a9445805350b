"""Options of `engine=vllm`. Reading them needs no vLLM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option

__all__ = ["KEPT_FREE", "VllmOptions"]

KEPT_FREE = 2
"""Positions of vLLM's window that we do not use: it generates a token even when it only scores, and lm-eval's windows
are one longer than the model's, because the last token of a text is never read."""


@dataclass(frozen=True, kw_only=True)
class VllmOptions:
    """Options of `engine=vllm`, named as vLLM names them; what is not set is vLLM's own default."""

    name: ClassVar[str] = "vllm"
    summary: ClassVar[str] = "Runs the model in vLLM, on one GPU or many."
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("vllm", "pip install vllm"),)

    dtype: str = option("auto", "the number type of weights and activations", allowed="auto, float32, bfloat16 ...")
    tensor_parallel_size: int = option(1, "GPUs that share each layer", unit="GPUs", allowed="at least 1")
    pipeline_parallel_size: int = option(1, "groups of GPUs that share the layers", allowed="at least 1")
    data_parallel_size: int = option(1, "whole copies of the model", allowed="at least 1")
    max_model_len: int | None = option(None, "longest prompt and completion together", unit="tokens")
    max_num_seqs: int | None = option(None, "most requests of one step", unit="requests")
    gpu_memory_utilization: float = option(0.9, "share of each GPU's memory that vLLM takes", allowed="(0, 1]")
    quantization: str | None = option(None, "how the weights are quantized where the checkpoint does not say")
    kv_cache_dtype: str = option("auto", "the number type of the cache", allowed="auto, fp8 ...")
    enable_prefix_caching: bool = option(True, "keep what was computed for prompts that begin alike")
    enforce_eager: bool = option(False, "start faster and run slower, without CUDA graphs")
    trust_remote_code: bool = option(False, "run Python code that comes with the checkpoint")
    revision: str | None = option(None, "revision of the checkpoint")
    distributed_executor_backend: str | None = option(None, "what starts the workers", allowed="mp or ray")

    def __post_init__(self) -> None:
        for field in ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size"):
            if getattr(self, field) < 1:
                raise ConfigError(f"engine: vllm.{field}", getattr(self, field), "at least 1")
        if not 0 < self.gpu_memory_utilization <= 1:
            raise ConfigError("engine: vllm.gpu_memory_utilization", self.gpu_memory_utilization, "in (0, 1]")
        if self.max_model_len is not None and self.max_model_len <= KEPT_FREE:
            raise ConfigError("engine: vllm.max_model_len", self.max_model_len, f"above {KEPT_FREE}")
