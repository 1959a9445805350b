"""What the contract suites of compression methods share: tiny models, prompts, digests, and common claims."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.compression.held import held_tensors
from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.compression import CalibrationData

__all__ = [
    "PAD",
    "VOCAB",
    "assert_refused",
    "check_declaration",
    "greedy",
    "last_logits",
    "model_digest",
    "padded",
    "prompts",
    "ratios",
    "tiny_calibration",
    "tiny_model",
    "try_on",
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


def check_declaration(method: Any, stage: str, protocol: Any, options: Mapping[str, Any] | None) -> None:
    """A method is a frozen dataclass that declares a name, a summary, this stage, and all that its protocol has."""
    parameters = getattr(method, "__dataclass_params__", None)
    assert parameters, "a method is a dataclass: its fields are its options"
    assert parameters.frozen, "a method is frozen"
    assert method.stage == stage, f"stage is {method.stage!r}, not {stage!r}"
    assert method.name == method.name.lower().replace("_", "-").replace(" ", "-"), "names are lower case with hyphens"
    assert method.summary, "a summary is missing"
    assert isinstance(method(**(options or {})), protocol), f"the class does not have all of {protocol.__name__}"


def assert_refused(build: Callable[[], Any], what: str) -> None:
    """Building a method like this raises ConfigError."""
    try:
        build()
    except ConfigError:
        return
    raise AssertionError(f"{what} was accepted; raise ConfigError")


def last_logits(model: Any, rows: list[list[int]]) -> torch.Tensor:
    """Logits of (batch, vocab) after each prompt of a left-padded batch."""
    batch = padded(rows)
    positions = (batch["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)
    with torch.no_grad():
        return model(**batch, position_ids=positions).logits[:, -1]


def try_on(claim: Callable[..., None], max_examples: int, **strategies: st.SearchStrategy[Any]) -> None:
    """Try a claim on drawn arguments."""
    settings(max_examples=max_examples, deadline=None, database=None)(given(**strategies)(claim))()
