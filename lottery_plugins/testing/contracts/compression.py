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
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.compression.eviction import kept_positions
from lottery_plugins.compression.held import held_tensors
from lottery_plugins.compression.press import attached
from lottery_plugins.compression.scoring import score_in_two_phases
from lottery_plugins.compression.sizes import stored_bytes
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData, WeightMethod, removed_count
from lottery_plugins.protocols.kv_cache import KVPress, LayerView

__all__ = [
    "check_kv_press",
    "check_weight_method",
    "greedy",
    "model_digest",
    "padded",
    "prompts",
    "tiny_calibration",
    "tiny_model",
]

VOCAB, PAD = 128, 0


@functools.cache
def tiny_model(seed: int = 0) -> Any:
    """A random Llama with 2 layers, 4 heads on 2 key heads, tied embeddings, 128 tokens. Shared: do not change it."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,  # far from uniform logits, so greedy tokens are not decided by rounding
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=1,
        eos_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).eval()


def tiny_calibration(seed: int = 0) -> CalibrationData:
    """Five random sequences of 24 tokens: not a multiple of any likely batch."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(1, VOCAB, (5, 24), generator=generator).tolist()
    return CalibrationData(tuple(tuple(row) for row in rows), f"random:{seed}")


def prompts(max_rows: int = 4, max_length: int = 20) -> st.SearchStrategy[list[list[int]]]:
    """Batches of prompts of unequal length, pads left out."""
    row = st.lists(st.integers(1, VOCAB - 1), min_size=1, max_size=max_length)
    return st.lists(row, min_size=1, max_size=max_rows)


def ratios() -> st.SearchStrategy[float]:
    """Ratios as people write them, and any other."""
    written = st.sampled_from([0.0, 0.1, 0.25, 0.29, 0.5, 0.7, 0.75, 0.9, 0.99])
    return written | st.floats(0, 1, exclude_max=True)


def padded(rows: list[list[int]]) -> dict[str, torch.Tensor]:
    """Token ids and mask of a left-padded batch."""
    width = max(len(row) for row in rows)
    ids = torch.tensor([[PAD] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return {"input_ids": ids, "attention_mask": mask}


def greedy(model: Any, rows: list[list[int]], num_tokens: int = 8) -> list[list[int]]:
    """Greedy continuations of a left-padded batch, as lm-eval asks for them."""
    batch = padded(rows)
    width = batch["input_ids"].shape[1]
    options = {"max_length": width + num_tokens, "do_sample": False, "pad_token_id": PAD, "use_cache": True}
    return model.generate(**batch, **options)[:, width:].tolist()  # type: ignore[no-any-return]


def model_digest(model: Any) -> str:
    """A hash of all that the model stores, names and bytes, and of the module classes."""
    digest = hashlib.sha256()
    for name, module in model.named_modules():
        hooks = len(module._forward_hooks) + len(module._forward_pre_hooks)
        digest.update(f"{name} {type(module).__name__} {hooks}".encode())
    for name, tensor in held_tensors(model):
        digest.update(name.encode())
        digest.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


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
    _check_declaration(method, "weights", WeightMethod, options)
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
        together = _last_logits(compressed, rows)
        assert together.shape == (len(rows), VOCAB), "logits have another shape"
        assert torch.isfinite(together).all(), "logits are not finite"
        alone = torch.cat([_last_logits(compressed, [row]) for row in rows])
        torch.testing.assert_close(together, alone, atol=1e-3, rtol=1e-3)

    _given(batch_invariant, max_examples, rows=prompts())
    if ratio_option:
        _check_weight_ratio(build, ratio_option, model, data, max_examples)


def check_kv_press(press: type[KVPress], options: Mapping[str, Any] | None = None, *, max_examples: int = 15) -> None:
    """Check a press: declaration, finite scores, kept counts, batches, identity at ratio 0, untouched model.

    Args:
        press: The class.
        options: Options besides `compression_ratio`.
        max_examples: Batches and ratios that are tried for each claim.
    """
    _check_declaration(press, "kv-cache", KVPress, options)
    build: Callable[..., KVPress] = functools.partial(press, **(options or {}))
    for wrong in (1.0, 1.5, -0.1, float("nan")):
        _assert_refused(functools.partial(build, compression_ratio=wrong), f"compression_ratio={wrong}")
    _check_scores(build)
    model = tiny_model()
    before = model_digest(model)

    def batch_invariant(rows: list[list[int]], ratio: float) -> None:
        with attached(build(compression_ratio=ratio), model) as work:
            together = greedy(model, rows)
            if ratio:
                expected = sum(len(row) - removed_count(len(row), ratio) for row in rows)
                assert work.statistics.kept_tokens == expected, "another number of positions was kept than documented"
            assert together == [greedy(model, [row])[0] for row in rows], "a row in a batch differs from the row alone"
        assert model_digest(model) == before, "a hook or a change stayed on the model"

    def identity_at_zero(rows: list[list[int]]) -> None:
        with attached(build(compression_ratio=0.0), model):
            pressed, scored = _last_logits(model, rows), score_in_two_phases(model, rows[0], [5, 6, 7])
        assert torch.equal(pressed, _last_logits(model, rows)), "ratio 0 changes logits"
        assert scored == score_in_two_phases(model, rows[0], [5, 6, 7]), "ratio 0 changes a log-likelihood"

    _given(batch_invariant, max_examples, rows=prompts(), ratio=ratios())
    _given(identity_at_zero, max_examples, rows=prompts())


def _check_scores(build: Callable[..., KVPress]) -> None:
    """Scores are finite, repeatable, and choose the documented number for every length and written ratio."""
    generator = torch.Generator().manual_seed(0)
    for length in range(1, 41):
        pads = length % 3
        keys = torch.randn(2, 2, length + pads, 8, generator=generator)
        valid = (torch.arange(length + pads) >= pads).repeat(2, 1)
        view = LayerView(0, keys, torch.randn(keys.shape, generator=generator), valid)
        widths = []
        for percent in (0, 1, 10, 25, 29, 50, 70, 75, 90, 99):
            press = build(compression_ratio=percent / 100)
            score = press.score(view)
            assert score.shape == keys.shape[:3], "scores must be (batch, kv_heads, seq_len)"
            assert score.dtype == torch.float32, "scores must be float32"
            assert torch.isfinite(score).all(), "scores must be finite"
            assert torch.equal(score, press.score(view)), "the same view was scored differently"
            positions, kept_valid = kept_positions(score, valid, percent / 100)
            assert positions.shape[-1] == length - length * percent // 100, "another number is kept than documented"
            assert kept_valid.all(), "rows of equal length need no padding"
            assert (positions >= pads).all(), "padding was kept"
            assert (positions.diff(dim=-1) > 0).all(), "a position was kept twice or out of order"
            widths.append(positions.shape[-1])
        assert widths == sorted(widths, reverse=True), "a higher ratio kept more"


def _check_weight_ratio(
    build: Callable[..., WeightMethod], name: str, model: Any, data: CalibrationData, max_examples: int
) -> None:
    """Ratio 0 is the identity to the bit, a higher ratio never stores more, and nonsense is refused."""
    for wrong in (1.0, 1.5, -0.1, float("nan")):
        _assert_refused(functools.partial(build, **{name: wrong}), f"{name}={wrong}")
    untouched = build(**{name: 0.0}).compress(model, data)
    assert model_digest(untouched) == model_digest(model), "ratio 0 is not the identity"

    def monotone(low: float, high: float) -> None:
        low, high = sorted((low, high))
        sizes = [stored_bytes(build(**{name: ratio}).compress(model, data)) for ratio in (low, high)]
        assert sizes[0].total >= sizes[1].total, "a higher ratio stores more"
        assert sizes[0].nominal >= sizes[1].nominal, "a higher ratio is nominally larger"

    _given(monotone, min(max_examples, 10), low=ratios(), high=ratios())


def _check_declaration(method: Any, stage: str, protocol: Any, options: Mapping[str, Any] | None) -> None:
    parameters = getattr(method, "__dataclass_params__", None)
    assert parameters, "a method is a dataclass: its fields are its options"
    assert parameters.frozen, "a method is frozen"
    assert method.stage == stage, f"stage is {method.stage!r}, not {stage!r}"
    assert method.name == method.name.lower().replace("_", "-").replace(" ", "-"), "names are lower case with hyphens"
    assert method.summary, "a summary is missing"
    assert isinstance(method(**(options or {})), protocol), f"the class does not have all of {protocol.__name__}"


def _assert_refused(build: Callable[[], Any], what: str) -> None:
    try:
        build()
    except ConfigError:
        return
    raise AssertionError(f"{what} was accepted; raise ConfigError")


def _last_logits(model: Any, rows: list[list[int]]) -> torch.Tensor:
    """Logits of (batch, vocab) after each prompt of a left-padded batch."""
    batch = padded(rows)
    positions = (batch["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)
    with torch.no_grad():
        return model(**batch, position_ids=positions).logits[:, -1]


def _given(claim: Callable[..., None], max_examples: int, **strategies: st.SearchStrategy[Any]) -> None:
    """Try a claim on drawn arguments."""
    settings(max_examples=max_examples, deadline=None, database=None)(given(**strategies)(claim))()
