"""Calibration data: windows of a text, bundled or the user's, as token ids."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from lottery_plugins.errors import DataError
from lottery_plugins.protocols.compression import CalibrationData

__all__ = ["BUNDLED", "build_calibration"]

BUNDLED = "bundled"
"""The word for the text that comes with the package."""

_BUNDLED_FILE = "calibration.txt"


def build_calibration(tokenizer: Any, text: str, num_sequences: int, sequence_length: int) -> CalibrationData:
    """Cut windows out of a text, evenly spread from its start to its end, without overlap.

    Args:
        tokenizer: A transformers tokenizer.
        text: "bundled", or the path of a UTF-8 text file.
        num_sequences: How many windows.
        sequence_length: Tokens of each, special tokens not added.

    Returns:
        The same windows whenever tokenizer and text are the same.

    Raises:
        DataError: If the file can't be read, or has too few tokens.
    """
    content, source = _read(text)
    tokens = tokenizer(content, add_special_tokens=False, verbose=False)["input_ids"]
    needed = num_sequences * sequence_length
    if len(tokens) < needed:
        raise DataError(
            f"calibration text {source}",
            f"has {len(tokens)} tokens, but {num_sequences} sequences of {sequence_length} need {needed}",
            "Give a longer text file with calibration=PATH, or lower num_calibration or sequence_length.",
        )
    spare = len(tokens) - needed
    starts = [i * sequence_length + spare * i // max(num_sequences - 1, 1) for i in range(num_sequences)]
    return CalibrationData(tuple(tuple(tokens[s : s + sequence_length]) for s in starts), source)


def _read(text: str) -> tuple[str, str]:
    """Content and name of a calibration text."""
    if text == BUNDLED:
        file = resources.files("lottery_plugins.compression").joinpath(_BUNDLED_FILE)
        return file.read_text(encoding="utf-8"), f"{BUNDLED}:{_BUNDLED_FILE}"
    try:
        return Path(text).read_text(encoding="utf-8"), text
    except OSError as error:
        raise DataError(
            f"calibration text {text}", f"can't be read: {error.strerror}", "Write 'bundled' or a file's path."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"calibration text {text}", "is not UTF-8 text", "Convert it to UTF-8.") from error
