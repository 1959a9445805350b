"""Calibration data: windows of a text as token ids."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

from lottery_plugins.compression.calibration_texts import BUNDLED, read_documents, stamp_of
from lottery_plugins.compression.checks import check_at_least
from lottery_plugins.errors import DataError
from lottery_plugins.protocols.compression import CalibrationData
from lottery_plugins.protocols.plugin import option

__all__ = ["BUNDLED", "Calibrated", "build_calibration"]

_SOURCES = "'bundled', a text file, FILE.jsonl@COLUMN, hub@NAME[@CONFIG]@SPLIT@COLUMN"
_BETWEEN = "\n\n"  # documents


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """The options of a method that runs text through the model.

    Args:
        num_calibration: Sequences of calibration text.
        sequence_length: Tokens of each sequence.
        calibration: "bundled", or the path of a UTF-8 text file, or FILE.jsonl@COLUMN for one with a JSON object a line
            (also .jsonl.gz), or hub@NAME[@CONFIG]@SPLIT@COLUMN for a data set of the hub or a local folder; colons do
            as well as @, but need quoting in a spec.
        calibration_seed: Draws documents and windows.
    """

    name: ClassVar[str]

    num_calibration: int = option(16, "sequences of calibration text", unit="sequences", allowed=">= 1")
    sequence_length: int = option(128, "length of each sequence", unit="tokens", allowed=">= 2")
    calibration: str = option(BUNDLED, "calibration text", allowed=_SOURCES)
    calibration_seed: int = option(0, "draws documents and windows", allowed=">= 0")

    @property
    def stamp(self) -> str:
        """Names the content of a user's file; see `protocols.plugin`."""
        return stamp_of(self.calibration)

    def check_calibration(self) -> None:
        """Refuse counts that make no sense.

        Raises:
            ConfigError: Naming the option.
        """
        check_at_least(f"compression: {self.name}.num_calibration", self.num_calibration, 1)
        check_at_least(f"compression: {self.name}.sequence_length", self.sequence_length, 2)
        check_at_least(f"compression: {self.name}.calibration_seed", self.calibration_seed, 0)


def build_calibration(
    tokenizer: Any, text: str, num_sequences: int, sequence_length: int, seed: int = 0
) -> CalibrationData:
    """Cut windows out of a text, in its order and without overlap.

    Documents are put in an order that the seed draws, and joined until there are tokens enough; where one is long
    enough, as a text file always must be, the windows lie anywhere in it.

    Args:
        tokenizer: A transformers tokenizer.
        text: See `Calibrated.calibration`.
        num_sequences: How many windows.
        sequence_length: Tokens of each, special tokens not added.
        seed: Draws the order of the documents and the distances between windows.

    Returns:
        The same windows whenever tokenizer, text and seed are the same.

    Raises:
        DataError: If the text can't be read, or has too few tokens.
    """
    documents, source = read_documents(text)
    rng = random.Random(seed)
    needed = num_sequences * sequence_length
    tokens: list[int] = []
    for index in sorted(range(len(documents)), key=lambda _: rng.random()):
        document = documents[index] if not tokens else _BETWEEN + documents[index]
        tokens += tokenizer(document, add_special_tokens=False, verbose=False)["input_ids"]
        if len(tokens) >= needed:
            break
    if len(tokens) < needed:
        raise DataError(
            f"calibration text {source}",
            f"has {len(tokens)} tokens, but {num_sequences} sequences of {sequence_length} need {needed}",
            "Give a longer text with calibration=PATH, or lower num_calibration or sequence_length.",
        )
    before = sorted(int(rng.random() * (len(tokens) - needed + 1)) for _ in range(num_sequences))  # tokens skipped
    starts = [skipped + index * sequence_length for index, skipped in enumerate(before)]
    windows = tuple(tuple(tokens[start : start + sequence_length]) for start in starts)
    digest = hashlib.sha256(" ".join(map(str, chain(*windows))).encode()).hexdigest()[:12]
    return CalibrationData(windows, f"{source} ({num_sequences} x {sequence_length} tokens, seed {seed}, {digest})")
