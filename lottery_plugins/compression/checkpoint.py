"""Compressed models as folders that `from_pretrained` reads: written whole or not at all, the same bytes each time."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lottery_plugins.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["RECORD_FILE", "layouts_of", "read_record", "save_checkpoint", "whole_folder"]

RECORD_FILE = "lottery.json"
"""Says in a checkpoint's folder how it was made."""

_SHARD = "5GB"
_WHERE = "saving a compressed model"


def save_checkpoint(model: Any, tokenizer: Any, folder: Path, notes: Mapping[str, str]) -> None:
    """Write a model, its tokenizer and its configs into an empty folder.

    Layers that are `CompressedLinear` are read back through this package; a model without any is a plain checkpoint.

    Args:
        model: A transformers model after `apply`; not changed.
        tokenizer: Its tokenizer; None writes none.
        folder: Exists and is empty.
        notes: More text files, content by name.

    Raises:
        ConfigError: The model has something in it that a checkpoint can't hold.
        DataError: It can't be written.
    """
    from lottery_plugins.compression.structure import structural_clone

    layouts = layouts_of(model)
    if not _is_of_transformers(model):
        _check_rebuilds(model, layouts)
    saved = structural_clone(model)
    if layouts:
        from lottery_plugins.compression.checkpoint_format import LotteryConfig, LotteryQuantizer

        saved.config.quantization_config = LotteryConfig(layouts)
        saved.hf_quantizer = LotteryQuantizer(saved.config.quantization_config)
    try:
        saved.save_pretrained(folder, max_shard_size=_SHARD)
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)
        for name, text in notes.items():
            (folder / name).write_text(text, encoding="utf-8")
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(str(folder), f"can't be written: {error}", "See the message of transformers.") from error


def layouts_of(model: Any) -> dict[str, dict[str, Any]]:
    """Layouts of the compressed layers, by path; one that is made of others is there with them."""
    from lottery_plugins.compression.linear import CompressedLinear

    found: dict[str, dict[str, Any]] = {}
    for path, module in model.named_modules():  # parents come first
        is_part = any(path.startswith(f"{other}.") for other in found)
        if isinstance(module, CompressedLinear) and not is_part:
            found[path] = module.layout()
    return found


def read_record(folder: str | Path) -> dict[str, Any] | None:
    """What `lottery.json` says of a checkpoint; None where the folder is none of ours.

    Raises:
        DataError: The file is there and is not JSON of ours.
    """
    path = Path(folder) / RECORD_FILE
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(str(path), f"can't be read: {error}", "Make the checkpoint again.") from error
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        raise DataError(str(path), "is not laid out as the record of a checkpoint", "Make the checkpoint again.")
    return record


@contextmanager
def whole_folder(out: Path, *, force: bool = False) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes `out` when the block ends, and is gone when it fails.

    Args:
        out: What it is to be.
        force: Whether a checkpoint of ours that is there gives way; nothing else ever does.

    Raises:
        ConfigError: Something is there.
        DataError: The folder can't be made.
    """
    _check_free(out, force=force)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise DataError(str(out), f"can't be made: {error.strerror}", "Name another folder.") from error
    old = temporary.with_name(temporary.name + ".old")
    try:
        temporary.chmod(0o755)
        yield temporary
        for file in temporary.iterdir():
            file.chmod(0o644)
        if out.exists():
            out.rename(old)
        temporary.rename(out)
    finally:
        for left in (temporary, old):
            shutil.rmtree(left, ignore_errors=True)


def _check_free(out: Path, *, force: bool) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not force:
        raise ConfigError("--out", str(out), "a folder that is not there yet", "--force replaces an older checkpoint.")
    if not (out / RECORD_FILE).is_file():
        hint = f"It has no {RECORD_FILE}, so something else is in it: remove it yourself, or name another folder."
        raise ConfigError("--out --force", str(out), "a checkpoint that `lottery compress` made", hint)


def _is_of_transformers(model: Any) -> bool:
    """Whether transformers quantized it as it was loaded, and knows by itself how to write it."""
    quantizer = getattr(model, "hf_quantizer", None)
    if quantizer is None:
        return False
    if not quantizer.is_serializable():
        method = getattr(quantizer.quantization_config.quant_method, "value", "this method")
        raise ConfigError(_WHERE, str(method), "a format that transformers can write", "Use it at run time instead.")
    return True


def _check_rebuilds(model: Any, layouts: Mapping[str, Any]) -> None:
    """Refuse what `from_pretrained` would not build again from the config and the layouts.

    Raises:
        ConfigError: Naming the first module that differs.
    """
    import torch

    from lottery_plugins.compression.checkpoint_format import place_layers

    with torch.device("meta"):
        rebuilt = type(model)(copy.deepcopy(model.config))
        place_layers(rebuilt, layouts)
    wanted = dict(rebuilt.named_modules())
    for path, module in model.named_modules():
        same = path in wanted and (path in layouts or type(module) is type(wanted[path]))
        if not same or _tensors(module) != _tensors(wanted[path]) or module._forward_hooks or module._forward_pre_hooks:
            raise ConfigError(
                _WHERE,
                f"{path} is a {type(module).__name__}",
                "modules as the config describes them, torch.nn.Linear, and layers derived from CompressedLinear",
                "Name this method at run time instead: compression=... of --model lottery.",
            )


def _tensors(module: Any) -> dict[str, tuple[Any, ...]]:
    """Class and shape of a module's own parameters and of the buffers that are saved."""
    unsaved = module._non_persistent_buffers_set
    own = {**module._parameters, **{name: b for name, b in module._buffers.items() if name not in unsaved}}
    return {name: (type(t), *t.shape) for name, t in own.items() if t is not None}
