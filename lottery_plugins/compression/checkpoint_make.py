"""From a model's name and some methods to a compressed checkpoint: load, compress, write."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lottery_plugins.compression.apply import CompressionReport, apply, check_composition, records_of
from lottery_plugins.compression.checkpoint import layouts_of, read_record, save_checkpoint, whole_folder
from lottery_plugins.compression.checkpoint_card import Card
from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.protocols.compression import CompressionMethod, LoadMethod

__all__ = ["Job", "check", "make_checkpoint"]

_WHERE = "lottery compress"
_DTYPES = ("auto", "float32", "bfloat16", "float16")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to make.

    Attributes:
        model: Folder or hub name of the original.
        compression: The spec, for the card.
        methods: The methods it names.
        out: Folder to write.
        calibration: Text for all methods that use one; "" for those of their own options.
        dtype: Type to load in, "auto" for that of the original's files.
        device: Where it is compressed.
        revision: Of a model on the hub; None for the newest.
        force: Whether an older checkpoint of ours in `out` is replaced.
    """

    model: str
    compression: str
    methods: Sequence[CompressionMethod]
    out: Path
    calibration: str = ""
    dtype: str = "auto"
    device: str = "cpu"
    revision: str | None = None
    force: bool = False


def check(job: Job) -> list[CompressionMethod]:
    """The methods in order, before anything is loaded.

    Raises:
        ConfigError: They can't be joined, can't be written into a checkpoint, or the model is compressed already.
    """
    if job.dtype not in _DTYPES:
        raise ConfigError("--dtype", job.dtype, f"one of {', '.join(_DTYPES)}")
    methods = _with_calibration(job.methods, job.calibration) if job.calibration else job.methods
    ordered = check_composition(methods)
    if not ordered:
        raise ConfigError("--compression", job.compression, "at least one method", "See: lottery plugins list")
    for method in ordered:
        if method.stage == "kv-cache":
            hint = "It acts while text is generated, and who loads the checkpoint would not know of it. " + (
                f"Save the others, and name it at run time: --model_args pretrained=DIR,compression={method.name}"
            )
            raise ConfigError("--compression", method.name, "methods that change the weights", hint)
    record = read_record(job.model)
    if record is not None:
        raise _is_compressed(job.model, str(record.get("compression", "")))
    return ordered


def make_checkpoint(job: Job) -> CompressionReport:
    """Load, compress and write.

    Raises:
        LotteryError: The model can't be loaded, compressed or written; then nothing is left in `job.out`.
    """
    ordered = check(job)
    with whole_folder(job.out, force=job.force) as folder:
        model, tokenizer = _load(job, ordered)
        late = [method for method in ordered if not isinstance(method, LoadMethod)]
        made = apply(late, model, tokenizer)
        card = Card(
            base_model=job.model,
            revision=getattr(model.config, "_commit_hash", None) or "",
            compression=job.compression,
            dtype=job.dtype,
            text=job.calibration,
            methods=records_of(ordered),
            calibration=made.report.calibration_source,
            before=made.report.before,
            after=made.report.after,
            is_plain=not layouts_of(made.model),
        )
        save_checkpoint(made.model, tokenizer, folder, card.files())
    return made.report


def _with_calibration(methods: Sequence[Any], text: str) -> list[Any]:
    """The methods, those that use calibration text with this one.

    Raises:
        ConfigError: None uses any.
    """

    def uses(method: Any) -> bool:
        return getattr(method, "needs_calibration", False) and hasattr(method, "calibration")

    if not any(map(uses, methods)):
        got = "+".join(method.name for method in methods)
        raise ConfigError("--calibration", got, "a method that uses calibration text", "Leave --calibration out.")
    return [dataclasses.replace(m, calibration=text) if uses(m) else m for m in methods]


def _load(job: Job, methods: Sequence[CompressionMethod]) -> tuple[Any, Any]:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    arguments: dict[str, Any] = {"dtype": job.dtype}
    for method in methods:
        if isinstance(method, LoadMethod):
            arguments |= method.load_arguments()
    named = {"revision": job.revision} if job.revision else {}
    try:
        if "gguf_file" not in arguments:
            config = AutoConfig.from_pretrained(job.model, **named)
            if getattr(config, "quantization_config", None) is not None:
                raise _is_compressed(job.model, str(_as_dict(config.quantization_config).get("quant_method")))
        source = {"gguf_file": arguments["gguf_file"]} if "gguf_file" in arguments else {}
        tokenizer = AutoTokenizer.from_pretrained(job.model, **named, **source)
        model = AutoModelForCausalLM.from_pretrained(job.model, **named, **arguments)
        return model.to(torch.device(job.device)).eval(), tokenizer
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise DataError(job.model, f"can't be loaded: {error}", "Name a folder or a model of the hub.") from error


def _is_compressed(model: str, how: str) -> ConfigError:
    hint = "Compress the original, with all methods joined by '+': sizes and scores are then against it."
    return ConfigError(_WHERE, f"{model} ({how})", "a model that is not compressed yet", hint)


def _as_dict(config: Any) -> dict[str, Any]:
    """A quantization config as a dict."""
    return config if isinstance(config, dict) else config.to_dict()
