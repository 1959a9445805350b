"""The base model's weights and cache under compression, and what was measured of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lottery_plugins.errors import ConfigError, LotteryError
from lottery_plugins.harness.costs import KVBytes, flops_of, kv_bytes, weight_bytes
from lottery_plugins.harness.encoding import encode_pair
from lottery_plugins.ledger import WeightBytes
from lottery_plugins.protocols.kv_cache import KVPress, KVQuantizer
from lottery_plugins.trajectory import Trajectory

__all__ = ["CompressedBase", "has_weights"]


def has_weights(base: Any) -> bool:
    """Whether an lm-eval model holds a model in this process; one for an engine elsewhere has a tokenizer alone."""
    return hasattr(getattr(base, "_model", None), "parameters")


class CompressedBase:
    """Compresses the model inside an lm-eval model that holds one in this process (`hf` and its heirs).

    Done after the lm-eval model is built: its `tie_weights()` would undo the compression of a tied output layer.

    Args:
        base: The lm-eval model; its inner model is replaced by the compressed one, which shares what was not changed.
        methods: Compression methods; () only measures.
        record: Of the checkpoint that the model was read from; None where `lottery compress` did not make it.

    Attributes:
        method: Drops cached positions; None for none. It does nothing until `attach` or an engine puts it to work.
        quantizer: Stores cached positions in few bits; likewise.
        press: Both at work in the model's own cache; None before `attach`.

    Raises:
        ConfigError: There are methods but no model in this process to apply them to.
    """

    def __init__(self, base: Any, methods: Sequence[Any], record: Mapping[str, Any] | None = None) -> None:
        self._base, self._record = base, record
        self._report: Any = None
        self._is_loaded_smaller = False
        self.method: Any = next((method for method in methods if isinstance(method, KVPress)), None)
        self.quantizer: Any = next((method for method in methods if isinstance(method, KVQuantizer)), None)
        self.press: Any = None
        if not has_weights(base):
            if methods:
                raise ConfigError(
                    "compression",
                    "+".join(method.name for method in methods),
                    "none, since this base model's weights are not in this process",
                    "Use base=hf, or serve a checkpoint that is already compressed.",
                )
            return
        from lottery_plugins.compression.apply import apply
        from lottery_plugins.compression.loading import methods_after_loading

        later = methods_after_loading(methods)
        self._is_loaded_smaller = len(later) < len(methods)
        if later:
            result = apply(later, base._model, base.tokenizer, attach=False)
            base._model, self._report = result.model, result.report

    @property
    def acts_on_cache(self) -> bool:
        """Whether there is a KV-cache method."""
        return self.method is not None or self.quantizer is not None

    def attach(self) -> None:
        """Put the KV-cache methods to work in the model's own cache, for requests that go through the base model."""
        if self.acts_on_cache:
            from lottery_plugins.compression.kv.press import AttachedPress

            self.press = AttachedPress(self.method, self._base._model, self.quantizer)

    def loglikelihood_in_two_phases(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """Score continuations one by one on the compressed cache of their context.

        One forward over context and continuation, lm-eval's way, never reads the cache and would measure nothing.
        """
        from lottery_plugins.compression.kv.scoring import score_in_two_phases

        answers = []
        for request in requests:
            context, continuation = request.args
            context_ids, continuation_ids = encode_pair(self._base, context, continuation)
            if len(context_ids) + len(continuation_ids) > self._base.max_length + 1:
                raise ConfigError(
                    f"task {request.task_name}, document {request.doc_id}",
                    f"{len(context_ids) + len(continuation_ids)} tokens",
                    f"at most {self._base.max_length + 1} under a KV-cache method, which must not cut the context",
                )
            score = score_in_two_phases(self._base.model, context_ids, continuation_ids)
            if math.isnan(score.logprob):
                raise LotteryError(f"The model gave NaN for task {request.task_name}, document {request.doc_id}.")
            answers.append((score.logprob, score.is_greedy))
            self._base.cache_hook.add_partial("loglikelihood", request.args, answers[-1])
        return answers

    def measured(self, engine_statistics: Any) -> dict[str, Any]:
        """The ledger's fields about weights and cache; empty where the weights are not in this process.

        Args:
            engine_statistics: Those of the engine, which counts what a KV-cache method left; None where it has none.
        """
        if not has_weights(self._base):
            return {}
        kv = self._kv(engine_statistics)
        recorded = str(self._record.get("calibration") or "") if self._record else ""
        return {
            "weights": self._weights(),
            "kv_bytes_per_token": kv.original,
            "compressed_kv_bytes_per_token": kv.real,
            "nominal_kv_bytes_per_token": kv.nominal,
            "calibration": (self._report.calibration_source if self._report else "") or recorded,
            "compression_seconds": self._report.seconds if self._report else None,
        }

    def flops(self, engine_statistics: Any) -> Callable[[Trajectory], float | None]:
        """Counts the operations of a trajectory's forward passes; its answer is None where they can't be counted."""
        if not has_weights(self._base):
            return lambda trajectory: None
        from lottery_plugins.compression.flops import forward_cost

        cost, share = forward_cost(self._base._model), self._kv(engine_statistics).kept_share
        return lambda trajectory: flops_of(trajectory, cost, share)

    def _weights(self) -> WeightBytes:
        """Bytes of the weights, beside those of the original; a checkpoint of others is counted as if not quantized."""
        from lottery_plugins.compression.prequantized import dense_bytes, how_quantized

        model = self._base._model
        made = "" if self._record else how_quantized(model.config)
        is_smaller = bool(made) or self._is_loaded_smaller
        dense = dense_bytes(model, getattr(self._base, "_config", model.config)) if is_smaller else None
        return weight_bytes(model, self._report, self._record, dense=dense, made=made)

    def _kv(self, engine_statistics: Any) -> KVBytes:
        has_method = self.quantizer is not None or bool(getattr(self.method, "compression_ratio", 0))
        return kv_bytes(self._base._model, self.press, engine_statistics, has_method=has_method)
