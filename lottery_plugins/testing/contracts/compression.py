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

from lottery_plugins.compression import SVD, Int8, KeyNorm, LayerDrop, Wanda
from lottery_plugins.compression.apply import check_composition
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.protocols.compression import CalibrationData, WeightMethod, conflict_between
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
    """Check a weight method: declaration, determinism, untouched original, finite output, bytes, batches, cache, ratio,
    and its place beside other methods. What it leaves on disk: `compression_files.check_saved_checkpoint`.

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
    _check_cache(compressed)
    _check_place(build())
    if build().needs_calibration:
        assert_refused(lambda: build().compress(model, None), "no calibration data")
    if ratio_option:
        _check_weight_ratio(build, ratio_option, model, data, max_examples)


def _check_weight_ratio(
    build: Callable[..., WeightMethod], name: str, model: Any, data: CalibrationData, max_examples: int
) -> None:
    """Ratio 0 is the identity to the bit, a higher ratio never stores more, and nonsense is refused."""
    for wrong in (1.0, 1.5, -0.1, float("nan")):
        assert_refused(functools.partial(build, **{name: wrong}), f"{name}={wrong}")
    nothing = build(**{name: 0.0})
    assert not nothing.needs_calibration, "ratio 0 asks for calibration data"
    untouched = nothing.compress(model, None)
    assert model_digest(untouched) == model_digest(model), "ratio 0 is not the identity"

    def monotone(low: float, high: float) -> None:
        low, high = sorted((low, high))
        sizes = [stored_bytes(build(**{name: ratio}).compress(model, data)) for ratio in (low, high)]
        assert sizes[0].total >= sizes[1].total, "a higher ratio stores more"
        assert sizes[0].nominal >= sizes[1].nominal, "a higher ratio is nominally larger"

    try_on(monotone, min(max_examples, 10), low=ratios(), high=ratios())


def _check_cache(compressed: Any) -> None:
    """A text read in two parts, with the model's own cache, gives what it gives at once."""
    ids = torch.arange(3, 19)[None]
    with torch.no_grad():
        expected = compressed(input_ids=ids, use_cache=False).logits[:, -6:]
        cache = compressed(input_ids=ids[:, :-6], use_cache=True).past_key_values
        found = compressed(input_ids=ids[:, -6:], past_key_values=cache).logits
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


def _check_place(method: WeightMethod) -> None:
    """Whatever the order in which it is joined with others is written, it runs where it declares; twice is refused."""
    assert_refused(lambda: check_composition([method, method]), f"{method.name}+{method.name}")
    for other in (LayerDrop(), SVD(), Wanda(), Int8(), KeyNorm()):
        if other.order == method.order or conflict_between(method, other):
            assert_refused(functools.partial(check_composition, [method, other]), f"{method.name}+{other.name}")
            continue
        first, second = check_composition([method, other]), check_composition([other, method])
        assert first == second, "the order depends on how it is written"
        assert first[0].order < first[1].order, "methods don't run in their order"
