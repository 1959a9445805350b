"""`gguf`: keep the weights of a model that was loaded from a GGUF file packed as they are in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lottery_plugins.protocols.compression import CalibrationData, Stage
from lottery_plugins.protocols.plugin import option

__all__ = ["Gguf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gguf:
    """Put the blocks of a GGUF file in the place of the weights that transformers made of them.

    transformers widens a GGUF file as it loads it (`gguf_file=NAME` among the model arguments), so nothing would be
    saved. This puts the file's blocks back: in the linear layers of the decoder, the embedding and the output head.
    What they stand for is compared with the loaded weights, to the bit, so the order of rows is right (llama.cpp stores
    queries and keys of Llama models in another), and the file is the one that was loaded. Tensors that the file has as
    plain floats stay as they are.

    Args:
        file: The file, in the model's folder or a path; empty: the one that the model was loaded from.

    Raises:
        ConfigError: The model was not loaded from this file, or the file has a format that is not served.
        DataError: The file can't be read.

    Cost: the file's bytes; widened for each call. Loading takes the widened model's memory for a while.
    Source: the formats of ggml, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
    """

    name: ClassVar[str] = "gguf"
    summary: ClassVar[str] = "Weights packed as in the GGUF file that the model was loaded from (gguf_file=NAME)."
    stage: ClassVar[Stage] = "weights"
    order: ClassVar[int] = 20
    needs_calibration: ClassVar[bool] = False
    source: ClassVar[str] = "https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("gguf", "pip install 'lottery-plugins[compression]'"),)

    file: str = option("", "the GGUF file; empty for the one that was loaded", allowed="a name in the folder or a path")

    def compress(self, model: Any, calibration: CalibrationData | None = None) -> Any:
        """A model that holds the file's blocks; it shares all other tensors with the given one."""
        from lottery_plugins.compression.libraries.gguf_file import GgufFile
        from lottery_plugins.compression.structure import structural_clone

        file = GgufFile.of(model, self.file)
        clone = structural_clone(model)
        file.pack(clone)
        return clone
