"""A loaded reward model: chats in, scores out. Imported when the first answer is to be rated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
import transformers

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.messages import Message, plain_text

__all__ = ["RewardScorer"]

_WITHOUT_TEMPLATE_WINDOW = 512  # where neither the model nor its tokenizer tells one
_NO_LIMIT = 10**9  # tokenizers that know no limit tell a huge number

Chat = tuple[tuple[str, str], ...]


class RewardScorer:
    """Rates chats with a sequence-classification model.

    Args:
        options: Those of `RewardModelVerifier`.

    Raises:
        DataError: It can't be loaded, or its tokenizer can't fill a batch.
        ConfigError: The label is none of its outputs.
    """

    def __init__(self, options: Any) -> None:
        self._where = f"verifier: reward-model.model={options.model}"
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(options.model, revision=options.revision)
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                options.model, revision=options.revision, dtype=options.dtype
            )
        except (OSError, ValueError, AttributeError) as error:  # AttributeError: a dtype that torch does not have
            text = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            hint = "Name a folder or a hub model with a sequence-classification head and a tokenizer."
            raise DataError(self._where, f"can't be loaded: {text}", hint) from error
        self._model: Any = model.to(options.device).eval()
        self._label = self._index_of(options.label)
        self._max_tokens = self._window(options.max_tokens)
        self._prepare_padding()
        self._calls = self._tokens = 0
        self._seconds = 0.0

    def rate(self, chats: Sequence[Chat]) -> list[float]:
        """A score in [0, 1] for each chat."""
        started = time.perf_counter()
        encoded = self._tokenizer.pad(
            {"input_ids": [self._encode(chat) for chat in chats]}, padding=True, return_tensors="pt"
        ).to(self._model.device)
        with torch.inference_mode():
            logits = self._model(**encoded).logits.float().cpu()  # (chats, outputs)
        scores = logits[:, 0].sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)[:, self._label]
        if not bool(scores.isfinite().all()):
            raise DataError(self._where, "gave a score that is not finite", "Try another dtype.")
        self._calls += len(chats)
        self._tokens += int(encoded["attention_mask"].sum())
        self._seconds += time.perf_counter() - started
        return [round(score, 6) for score in scores.tolist()]  # what depends on the batch lies behind the sixth digit

    def costs(self) -> dict[str, Any]:
        """Since it was loaded."""
        tensors = [*self._model.parameters(), *self._model.buffers()]
        size = sum(tensor.nbytes for tensor in {id(t): t for t in tensors}.values())
        return {"weight_bytes": size, "calls": self._calls, "tokens": self._tokens, "seconds": self._seconds}

    def _encode(self, chat: Chat) -> list[int]:
        """The token ids of a chat; of a text that is too long, the end, where the answer is."""
        if self._tokenizer.chat_template:
            turns = [{"role": role, "content": _readable(content)} for role, content in chat]
            text = self._tokenizer.apply_chat_template(turns, tokenize=False)
            ids = self._tokenizer.encode(text, add_special_tokens=False)
        else:
            messages = [Message(role, _readable(content)) for role, content in chat]  # type: ignore[arg-type]
            ids = self._tokenizer(plain_text(messages[:-1]), messages[-1].content)["input_ids"]
        return list(ids[-self._max_tokens :]) or [self._tokenizer.pad_token_id]

    def _index_of(self, label: str) -> int:
        outputs = {str(name): int(index) for name, index in self._model.config.label2id.items()}
        num_labels = int(self._model.config.num_labels)
        if not label:
            return num_labels - 1
        if label not in outputs or num_labels == 1:
            allowed = " or ".join(map(repr, outputs)) if num_labels > 1 else "none, since the model has one output"
            raise ConfigError("verifier: reward-model.label", label, allowed)
        return outputs[label]

    def _window(self, asked: int | None) -> int:
        limits = [asked, getattr(self._model.config, "max_position_embeddings", None), self._tokenizer.model_max_length]
        return min((int(n) for n in limits if n and n < _NO_LIMIT), default=_WITHOUT_TEMPLATE_WINDOW)

    def _prepare_padding(self) -> None:
        if self._tokenizer.pad_token_id is None:
            if self._tokenizer.eos_token is None:
                raise DataError(self._where, "has a tokenizer without a padding and an end token", "Add one to it.")
            self._tokenizer.pad_token = self._tokenizer.eos_token
        if self._model.config.pad_token_id is None:
            self._model.config.pad_token_id = self._tokenizer.pad_token_id


def _readable(text: str) -> str:
    """The text without lone surrogates, which tokenizers refuse."""
    return text.encode("utf-8", "replace").decode()
