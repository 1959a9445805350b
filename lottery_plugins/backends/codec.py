"""The tokenizer of an lm-eval `hf` model as a codec: the ids that lm-eval would feed, the text that it would return."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from lottery_plugins.backends.harness_lm import HarnessBackend
from lottery_plugins.messages import Message

__all__ = ["HarnessCodec", "byte_alphabet"]

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE_MARK = "\N{LOWER ONE EIGHTH BLOCK}"


def byte_alphabet() -> dict[str, int]:
    """The character that byte-level tokenizers write for each byte, to the byte (GPT-2's `bytes_to_unicode`)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + i): byte for i, byte in enumerate(hidden)}


class HarnessCodec:
    """A codec (`engine.tokens.TokenCodec`) of an lm-eval model that has a Hugging Face tokenizer.

    Args:
        lm: The lm-eval model.
        is_chat: Whether prompts are rendered by its chat template.
    """

    def __init__(self, lm: Any, *, is_chat: bool) -> None:
        self._lm = lm
        self._tokenizer = lm.tokenizer
        self._render = HarnessBackend(lm, is_chat=is_chat).render
        self._add_special = _as_flag(getattr(lm, "add_bos_token", None))

    def encode(self, text: str) -> list[int]:
        """A whole prompt, as `HFLM.tok_batch_encode` encodes it when it is the only one of its batch."""
        begins = self._tokenizer.bos_token
        given = {"add_special_tokens": False} if begins and text.startswith(begins) else self._add_special
        return list(self._tokenizer.encode(text, **given))

    def encode_more(self, text: str) -> list[int]:
        """Text that goes on from other tokens; [] for "". Without the space that some tokenizers put before a text."""
        if not text:
            return []
        anchor = self._anchor
        ids = self._plain(anchor + text)
        before = self._plain(anchor) if anchor else []
        return ids[len(before) :] if ids[: len(before)] == before else self._plain(text)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of generated tokens, as lm-eval decodes them: SentencePiece's decoder drops a first space."""
        return str(self._lm.tok_decode(list(ids)))

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text, as lm-eval renders it."""
        return str(self._render(messages))

    def _plain(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    @cached_property
    def _anchor(self) -> str:
        """What stands before a text while it is encoded, so that no space is put there; "" where none is."""
        first = b"".join(self.token_bytes[id_] for id_ in self._plain("x"))
        return "\n" if first == b" x" else ""

    @cached_property
    def end_ids(self) -> frozenset[int]:
        """What `generate` stops at, and the tokenizer's own end, which lm-eval adds to the stop strings."""
        settings = getattr(getattr(self._lm, "model", None), "generation_config", None)
        ends = [self._tokenizer.eos_token_id, getattr(settings, "eos_token_id", None)]
        flat = [id_ for end in ends for id_ in (end if isinstance(end, (list, tuple)) else [end])]
        return frozenset(int(id_) for id_ in flat if id_ is not None)

    @cached_property
    def special_ids(self) -> Mapping[str, int]:
        """The special tokens that lm-eval's decoding leaves out."""
        added = self._tokenizer.added_tokens_decoder
        special = {id_ for id_, token in added.items() if token.special} | set(self._tokenizer.all_special_ids)
        texts = {id_: str(self._tokenizer.convert_ids_to_tokens(id_)) for id_ in sorted(special)}
        return {text: id_ for id_, text in texts.items() if not self.decode([id_])}

    @cached_property
    def token_bytes(self) -> Sequence[bytes]:
        """The bytes of each token, for all ids that the model can give. Made once, when first asked for."""
        table = list(_bytes_of_all(self._tokenizer))
        for id_ in self.special_ids.values():
            table[id_] = b""
        config = getattr(getattr(self._lm, "model", None), "config", None)
        num_outputs = getattr(config.get_text_config(), "vocab_size", 0) if config is not None else 0
        return table + [b""] * (num_outputs - len(table))


def _as_flag(add_bos_token: bool | None) -> dict[str, bool]:
    return {} if add_bos_token is None else {"add_special_tokens": add_bos_token}


def _bytes_of_all(tokenizer: Any) -> Iterator[bytes]:
    """What each id adds to a text, in the order of the ids; what is no token adds nothing."""
    by_id = {id_: token for token, id_ in tokenizer.get_vocab().items()}
    read = _reader(tokenizer)
    for id_ in range(max(by_id, default=-1) + 1):
        yield read(id_, by_id[id_]) if id_ in by_id else b""


def _reader(tokenizer: Any) -> Callable[[int, str], bytes]:
    """How a token is read: by the tokenizer's own decoder where we know it, else by decoding the token alone."""
    alphabet = byte_alphabet()

    def byte_level(_: int, token: str) -> bytes:
        try:
            return bytes([alphabet[character] for character in token])
        except KeyError:  # an added token that is plain text; the decoder, too, takes it as it stands
            return token.encode("utf-8", "replace")

    def sentence_piece(_: int, token: str) -> bytes:
        byte = _BYTE_TOKEN.fullmatch(token)
        return bytes([int(byte[1], 16)]) if byte else token.replace(_SPACE_MARK, " ").encode("utf-8", "replace")

    def alone(id_: int, _: str) -> bytes:
        return str(tokenizer.decode([id_])).encode("utf-8", "replace")

    decoder = str(getattr(getattr(tokenizer, "backend_tokenizer", None), "decoder", ""))
    if "ByteLevel(" in decoder:
        return byte_level
    if "ByteFallback(" in decoder or "Metaspace(" in decoder or _SPACE_MARK in decoder:
        return sentence_piece
    return alone
