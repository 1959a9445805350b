"""The base model's weights and cache under compression, and what was measured of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lottery_plugins.errors import ConfigError, LotteryError
from lottery_plugins.harness.encoding import encode_pair
from lottery_plugins.ledger import WeightBytes
from lottery_plugins.protocols.kv_cache import KVPress, KVQuantizer

__all__ = ["CompressedBase", "has_weights"]

_SPARSE = 0.01


def has_weights(base: Any) -> bool:
    """Whether an lm-eval model holds a model in this process; one for an engine elsewhere has a tokenizer alone."""
    return hasattr(getattr(base, "_model", None), "parameters")


class CompressedBase:
    """Compresses the model inside an lm-eval model that holds one in this process (`hf` and its heirs).

    Done after the lm-eval model is built: its `tie_weights()` would undo the compression of a tied output layer.

    Args:
        base: The lm-eval model; its inner model is replaced by the compressed one, which shares what was not changed.
        methods: Compression methods; () only measures.

    Attributes:
        method: Drops cached positions; None for none. It does nothing until `attach` or an engine puts it to work.
        quantizer: Stores cached positions in few bits; likewise.
        press: Both at work in the model's own cache; None before `attach`.

    Raises:
        ConfigError: There are methods but no model in this process to apply them to.
    """

    def __init__(self, base: Any, methods: Sequence[Any]) -> None:
        self._base = base
        self._report: Any = None
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

        if methods:
            result = apply(methods, base._model, base.tokenizer, attach=False)
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
        from lottery_plugins.compression.sizes import kv_bytes_per_token, stored_bytes

        after = self._report.after if self._report else stored_bytes(self._base._model)
        before = self._report.before if self._report else after
        per_token = self._kv_bytes(kv_bytes_per_token)
        is_sparse = after.zero_ratio >= _SPARSE  # a few weights are zero in any model
        return {
            "weights": WeightBytes(
                stored=after.total,
                embedding=after.embedding,
                original_stored=before.total,
                nominal=after.nominal if is_sparse else None,
                note=after.note if is_sparse else "",
            ),
            "kv_bytes_per_token": per_token,
            "compressed_kv_bytes_per_token": self._compressed_kv_bytes(per_token, engine_statistics),
            "calibration": self._report.calibration_source if self._report else "",
        }

    def _kv_bytes(self, count: Any) -> float | None:
        try:
            return float(count(self._base._model))
        except ConfigError:  # a model without one head size for all layers: not measured, and shown so
            return None

    def _compressed_kv_bytes(self, per_token: float | None, engine_statistics: Any) -> float | None:
        """Measured over the run's prompts: what was held of each prompt's cache, per prompt token."""
        if self.quantizer is None and not getattr(self.method, "compression_ratio", 0):
            return per_token
        if self.press is not None:
            held, of = self.press.statistics.bytes_after, self.press.statistics.bytes_before
        else:
            held, of = getattr(engine_statistics, "held_bytes", 0), getattr(engine_statistics, "full_bytes", 0)
        return None if per_token is None or not of else float(per_token * held / of)
