"""Contract suites for compression methods.

    from lottery_plugins.testing.contracts.compression import check_kv_press, check_weight_method

    def test_my_method_keeps_the_contract():
        check_weight_method(MyMethod, smaller=True)

    def test_my_press_keeps_the_contract():
        check_kv_press(MyPress)

They build tiny Llama models with random weights (grouped heads, 2 layers) and draw token sequences with Hypothesis.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch

from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.protocols.compression import CalibrationData, WeightMethod
from lottery_plugins.testing.contracts.compression_kv import check_kv_press, check_kv_quantizer
from lottery_plugins.testing.contracts.compression_pieces import (
    VOCAB,
    assert_refused,
    check_declaration,
    greedy,
    last_logits,
    model_digest,
    padded,
    prompts,
    ratios,
    tiny_calibration,
    tiny_model,
    try_on,
)

__all__ = [
    "check_kv_press",
    "check_kv_quantizer",
    "check_weight_method",
    "greedy",
    "model_digest",
    "padded",
    "prompts",
    "tiny_calibration",
    "tiny_model",
]


def check_weight_method(
    method: type[WeightMethod],
    options: Mapping[str, Any] | None = None,
    *,
    smaller: bool = False,
    ratio_option: str = "",
    max_examples: int = 15,
) -> None:
    """Check a weight method: declaration, determinism, untouched original, finite output, bytes, batches, ratio.

    Args:
        method: The class.
        options: Options that make it fit a model with input sizes 64 and 128.
        smaller: Whether it claims that fewer bytes are stored.
        ratio_option: Name of the option that says how much is removed; "" when there is none.
        max_examples: Batches that are tried.
    """
    check_declaration(method, "weights", WeightMethod, options)
    build = functools.partial(method, **(options or {}))
    model, data = tiny_model(), tiny_calibration()
    before = model_digest(model)
    compressed = build().compress(model, data)
    assert model_digest(model) == before, "the given model was changed"
    assert model_digest(compressed) == model_digest(build().compress(model, data)), "two runs differ"
    shared = compressed.get_input_embeddings().weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    assert shared or stored_bytes(compressed).embedding < stored_bytes(model).embedding, (
        "an unchanged tensor was copied"
    )
    assert stored_bytes(compressed).total <= stored_bytes(model).total, "more bytes are stored than before"
    if smaller:
        assert stored_bytes(compressed).other < stored_bytes(model).other, "no byte was saved"

    def batch_invariant(rows: list[list[int]]) -> None:
        together = last_logits(compressed, rows)
        assert together.shape == (len(rows), VOCAB), "logits have another shape"
        assert torch.isfinite(together).all(), "logits are not finite"
        alone = torch.cat([last_logits(compressed, [row]) for row in rows])
        torch.testing.assert_close(together, alone, atol=1e-3, rtol=1e-3)

    try_on(batch_invariant, max_examples, rows=prompts())
    if ratio_option:
        _check_weight_ratio(build, ratio_option, model, data, max_examples)


def _check_weight_ratio(
    build: Callable[..., WeightMethod], name: str, model: Any, data: CalibrationData, max_examples: int
) -> None:
    """Ratio 0 is the identity to the bit, a higher ratio never stores more, and nonsense is refused."""
    for wrong in (1.0, 1.5, -0.1, float("nan")):
        assert_refused(functools.partial(build, **{name: wrong}), f"{name}={wrong}")
    untouched = build(**{name: 0.0}).compress(model, data)
    assert model_digest(untouched) == model_digest(model), "ratio 0 is not the identity"

    def monotone(low: float, high: float) -> None:
        low, high = sorted((low, high))
        sizes = [stored_bytes(build(**{name: ratio}).compress(model, data)) for ratio in (low, high)]
        assert sizes[0].total >= sizes[1].total, "a higher ratio stores more"
        assert sizes[0].nominal >= sizes[1].nominal, "a higher ratio is nominally larger"

    try_on(monotone, min(max_examples, 10), low=ratios(), high=ratios())
