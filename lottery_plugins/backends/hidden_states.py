"""Hidden states of a transformers model that is in this process."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import torch

from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import BackendError, DataError
from lottery_plugins.messages import Message
from lottery_plugins.protocols.backend import HiddenState

__all__ = ["HiddenStates", "model_hash"]

_HASHED = 64  # numbers of each tensor


class HiddenStates:
    """Reads the last layer's state at the last token, one text a forward pass, so that no text depends on another.

    A pass runs at once, on the thread of the event loop, as the steps of the packed engine do; so it comes between two
    of them and never during one, and on a device it is queued behind them. It has a cache of its own for its length:
    neither the engine's cache nor a KV-cache method has a part in it. Weights are used as they are, also compressed
    ones.

    Args:
        model: A transformers causal model in eval mode.
        codec: Text to ids as the engine of this model does it.
        max_length: Most tokens of a text.
    """

    def __init__(self, model: Any, codec: TokenCodec, max_length: int) -> None:
        self._model, self._codec, self._max_length = model, codec, max_length

    async def features(self, messages: Sequence[Message]) -> HiddenState:
        """The hidden state at the last token of the rendered messages; see `ReadsHiddenStates`."""
        return self.read(self._codec.render(messages))

    def read(self, text: str) -> HiddenState:
        """The hidden state at the last token of a prompt.

        Raises:
            DataError: It has no token, or more than the model's window.
            BackendError: The model gave NaN.
        """
        ids = self._codec.encode(text.encode("utf-8", "replace").decode())  # tokenizers refuse lone surrogates
        if not 1 <= len(ids) <= self._max_length:
            problem = f"of {len(ids)} tokens has no hidden state"
            raise DataError("A text", problem, f"The model's window takes 1 to {self._max_length}.")
        started = time.perf_counter()
        with torch.inference_mode():
            last = self._states(ids)[0, -1].float().cpu()
        if not bool(last.isfinite().all()):
            raise BackendError(type(self._model).__name__, "gave a hidden state that is not finite")
        return HiddenState(tuple(last.tolist()), len(ids), time.perf_counter() - started)

    def _states(self, ids: Sequence[int]) -> torch.Tensor:
        """The last layer's states, (1, tokens, dimensions); without the output layer where the model can be had so."""
        model, body = self._model, self._model.base_model
        given = torch.tensor([list(ids)], device=model.get_input_embeddings().weight.device)
        if body is not model:
            return body(input_ids=given, use_cache=False).last_hidden_state
        return model(input_ids=given, use_cache=False, output_hidden_states=True).hidden_states[-1]


def model_hash(model: Any) -> str:
    """Sixteen hexadecimal digits of a model's shape and of the first numbers of each of its tensors.

    Cheap for a model of any size; two models that differ in no first row of a tensor are not told apart.
    """
    digest = hashlib.sha256()
    tensors = {**dict(model.named_parameters(remove_duplicate=False)), **dict(model.named_buffers())}
    for name, tensor in sorted(tensors.items()):  # not of `state_dict`: bitsandbytes changes its layers for it
        first = tensor.detach().flatten()[:_HASHED].to("cpu", torch.float32)
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\0".encode() + first.numpy().tobytes())
    return digest.hexdigest()[:16]
