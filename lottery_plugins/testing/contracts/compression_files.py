"""Contract suite for what a weight method leaves on disk.

    from lottery_plugins.testing.contracts.compression_files import check_saved_checkpoint

    def test_my_method_can_be_saved():
        check_saved_checkpoint(MyMethod)

It makes checkpoints of a tiny Llama as `lottery compress` does, and reads them with `from_pretrained`.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lottery_plugins.compression.apply import apply
from lottery_plugins.compression.checkpoint import layouts_of, read_record
from lottery_plugins.compression.checkpoint_format import register
from lottery_plugins.compression.checkpoint_make import Job, make_checkpoint
from lottery_plugins.compression.linear import CompressedLinear, Int8Linear, PackedLinear
from lottery_plugins.protocols.compression import LoadMethod
from lottery_plugins.testing.contracts.compression import tiny_model

_OF_EVERYBODY = {Int8Linear, PackedLinear}  # known wherever the format is

__all__ = ["check_saved_checkpoint", "folder_digest", "save_tiny_model", "tiny_tokenizer"]


def tiny_tokenizer() -> Any:
    """One token for each printable letter, within the tiny model's vocabulary."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {"<pad>": 0, "<s>": 1, "</s>": 2, **{chr(code): code for code in range(32, 127)}}
    inner = Tokenizer(models.WordLevel(letters, unk_token="<pad>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>")


def save_tiny_model(folder: Path) -> Path:
    """A folder with the tiny model and its tokenizer."""
    tiny_model().save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def folder_digest(folder: Path) -> dict[str, str]:
    """A hash of each file by name."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_saved_checkpoint(method: type, options: Mapping[str, Any] | None = None) -> None:
    """Check that a method's model can be saved: the same bytes twice, and the same logits to the bit when read again.

    Args:
        method: A load or weight method.
        options: Options that make it fit a model with input sizes 64 and 128.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    register()
    made = method(**(options or {}))
    with tempfile.TemporaryDirectory() as root:
        original = save_tiny_model(Path(root) / "original")
        folders = [Path(root) / name for name in ("first", "second")]
        for folder in folders:
            make_checkpoint(Job(model=str(original), compression=made.name, methods=[made], out=folder))
        first, second = map(folder_digest, folders)
        assert first == second, f"two runs wrote other bytes: {[n for n in first if first[n] != second.get(n)]}"
        record = read_record(folders[0])
        assert record is not None, "the folder does not say how it was made"
        assert [entry["name"] for entry in record["methods"]] == [made.name], "the record names other methods"
        expected = _in_memory(made, original)
        loaded = AutoModelForCausalLM.from_pretrained(folders[0], dtype="auto").eval()
        _check_declared(method, loaded)
        assert record["is_plain"] is not bool(layouts_of(loaded)), "the record is wrong about who can read it"
        assert len(AutoTokenizer.from_pretrained(folders[0])) == len(tiny_tokenizer()), "another tokenizer was saved"
        ids = torch.arange(3, 60).view(3, 19)
        with torch.no_grad():
            found, wanted = loaded(ids).logits, expected(ids).logits
        assert found.dtype == wanted.dtype, f"read as {found.dtype}, made as {wanted.dtype}"
        assert torch.equal(found, wanted), "the saved model computes something else"


def _check_declared(method: type, model: Any) -> None:
    """Another process reads the checkpoint only if the method names its layers."""
    found = {type(m) for m in model.modules() if isinstance(m, CompressedLinear) and type(m) not in _OF_EVERYBODY}
    declared = set(method.layers()) if hasattr(method, "layers") else set()
    missing = sorted(cls.__name__ for cls in found - declared)
    assert not missing, f"layers() of the method does not name {missing}, which other processes must import"


def _in_memory(made: Any, original: Path) -> Any:
    """The model as a run would use it, never saved."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    arguments = {"dtype": "auto", **(made.load_arguments() if isinstance(made, LoadMethod) else {})}
    model = AutoModelForCausalLM.from_pretrained(original, **arguments).eval()
    late = [] if isinstance(made, LoadMethod) else [made]
    return apply(late, model, AutoTokenizer.from_pretrained(original)).model
