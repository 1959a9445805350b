"""The lm-eval model that LotteryLM wraps: found by name, its arguments checked before anything is loaded."""

from __future__ import annotations

import dataclasses
import inspect
import logging
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from lottery_plugins.config import OUR_ARGUMENTS
from lottery_plugins.errors import ConfigError, DataError, LotteryError, suggest

__all__ = ["check_base_arguments", "find_base_model", "load_base_model"]

_DEVICE = "cuda:0"
"""The default of lm-eval's command line; its models take the CPU where there is no such device. The default of its
Python models, "cuda", fails there."""

_FROM_PRETRAINED = frozenset(
    """
    attn_implementation cache_dir code_revision commit_hash config device_map distributed_config
    experts_implementation force_download ignore_mismatched_sizes key_mapping kernel_config
    load_in_4bit load_in_8bit local_files_only low_cpu_mem_usage max_memory offload_buffers
    offload_state_dict output_loading_info proxies quantization_config state_dict token torch_dtype
    tp_size use_kernels use_safetensors variant weights_only
    """.split()  # noqa: SIM905 - forty quoted names would hide what they are
)
"""What transformers' `from_pretrained` takes beyond its own signature; lm-eval's `hf` hands the rest there."""


_ENGINE_ARGUMENTS = {
    "VLLM": ("vllm.engine.arg_utils", "EngineArgs"),
    "SGLangLM": ("sglang.srt.server_args", "ServerArgs"),
}
"""Where the library behind a model of lm-eval lists the arguments that it is handed beyond the model's signature."""


def find_base_model(name: str) -> type:
    """The lm-eval model class of that name.

    Raises:
        ConfigError: lm-eval has none, or it is LotteryLM itself.
    """
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.api.registry import get_model, model_registry

    known = [key for key in model_registry.keys() if key != "lottery"]  # noqa: SIM118 - a Registry is no dict
    if name not in known:
        raise ConfigError("base", name, f"an lm-eval model: {', '.join(sorted(known))}", suggest(name, known).strip())
    return get_model(name)  # type: ignore[no-any-return]


def check_base_arguments(cls: type, name: str, arguments: Mapping[str, Any]) -> None:
    """Refuse what neither we nor the base model take, and folders that are not there.

    Raises:
        ConfigError: An argument that nobody takes.
        DataError: `pretrained` names a local folder that does not exist.
    """
    _check_folder(arguments.get("pretrained"))
    known, takes_anything = _parameters(cls)
    unknown = [key for key in arguments if key not in known]
    if unknown and takes_anything and "pretrained" in known:
        extra = _engine_arguments(cls) or _FROM_PRETRAINED | _config_fields(arguments)
        known |= _engine_arguments(cls) or _FROM_PRETRAINED
        unknown = [key for key in unknown if key not in extra]
    if unknown:
        everything = [*OUR_ARGUMENTS, *sorted(known)]
        raise ConfigError(
            f"model_args: {unknown[0]}",
            arguments[unknown[0]],
            f"an argument of ours ({', '.join(OUR_ARGUMENTS)}) or of the base model {name!r}",
            suggest(unknown[0], everything).strip() or "Leave it out.",
        )


def _parameters(cls: type) -> tuple[set[str], bool]:
    """Names that the constructors along the class's ancestry take, and whether the class's own takes any other."""
    names = {"batch_size", "max_batch_size", "device"}  # lm-eval itself hands these to every model
    takes_anything: list[bool] = []
    for ancestor in cls.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        parameters = list(inspect.signature(ancestor.__init__).parameters.values())[1:]  # type: ignore[misc]
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
        takes_anything.append(any(p.kind is p.VAR_KEYWORD for p in parameters))
        if not takes_anything[-1]:  # it hands nothing on to its ancestors
            break
    return names, takes_anything[0]


def _engine_arguments(cls: type) -> set[str]:
    """Fields of the arguments of the library behind a model of lm-eval; empty where transformers is."""
    if cls.__name__ not in _ENGINE_ARGUMENTS:
        return set()
    module, name = _ENGINE_ARGUMENTS[cls.__name__]
    return {field.name for field in dataclasses.fields(getattr(import_module(module), name))}


def _config_fields(arguments: Mapping[str, Any]) -> set[str]:
    """Fields of the model's own config, which `from_pretrained` lets be overridden. Reads only the config file."""
    import transformers

    pretrained = arguments.get("pretrained")
    if not isinstance(pretrained, str):
        return set()
    keep = {k: arguments[k] for k in ("revision", "subfolder", "trust_remote_code", "gguf_file") if k in arguments}
    try:
        return set(transformers.AutoConfig.from_pretrained(pretrained, **keep).to_dict())
    except (OSError, ValueError) as error:
        raise DataError(f"pretrained={pretrained}", f"can't be loaded: {_first_line(error)}") from error


def _check_folder(pretrained: object) -> None:
    if not isinstance(pretrained, str):
        return
    path = Path(pretrained).expanduser()
    looks_local = pretrained.startswith(("/", ".", "~")) or pretrained.count("/") > 1
    if looks_local and not path.is_dir():
        raise DataError(
            f"pretrained={pretrained}", "is not a folder", "Name a folder with a config.json, or a model of the hub."
        )


def load_base_model(cls: type, arguments: Mapping[str, Any]) -> Any:
    """Make the base model, as lm-eval would.

    Raises:
        DataError: Its files can't be found or read, or are of a format that can't be loaded on this machine.
        ConfigError: A library that it needs is not installed, or there is no such dtype.
    """
    given = dict(arguments)
    if given.get("device") is None and "device" in inspect.signature(cls).parameters:
        given["device"] = _DEVICE
    try:
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)  # a line a layer and a forward
        return _create(cls, given)
    except ModuleNotFoundError as error:  # lm-eval's own sentence says which of its extras to install
        raise ConfigError(
            "base", cls.__name__, "a model whose libraries are installed", _first_line(error) + "."
        ) from error
    except AttributeError as error:
        if "module 'torch'" not in str(error):
            raise
        allowed = "a type of torch: float32, bfloat16, float16 or auto"
        raise ConfigError("dtype", arguments.get("dtype"), allowed) from error
    except OSError as error:  # what transformers raises for a missing model, tokenizer or connection
        raise DataError(
            f"pretrained={arguments.get('pretrained')}",
            f"can't be loaded: {_first_line(error)}",
            "Name a folder with the model's files, or a model that the hub has and this machine can reach.",
        ) from error


def _create(cls: type, arguments: Mapping[str, Any]) -> Any:
    try:
        return cls.create_from_arg_obj(dict(arguments), {})  # type: ignore[attr-defined]
    except LotteryError:
        raise
    except Exception as error:  # a dozen libraries read quantized checkpoints, and each fails in ways of its own
        made = _how_quantized(arguments)
        if not made or isinstance(error, MemoryError):
            raise
        problem = f"was quantized by {made}, and can't be loaded here: {_first_line(error)}"
        hint = "Install the library and the kernels that it names, use a machine that has them, or another checkpoint."
        raise DataError(f"pretrained={arguments.get('pretrained')}", problem, hint) from error


def _how_quantized(arguments: Mapping[str, Any]) -> str:
    """How the checkpoint was quantized; "" where it was not, or its config can't be read."""
    import transformers

    from lottery_plugins.compression.prequantized import how_quantized

    pretrained = arguments.get("pretrained")
    keep = {key: arguments[key] for key in ("revision", "subfolder") if key in arguments}
    try:
        return how_quantized(transformers.AutoConfig.from_pretrained(pretrained, **keep))
    except (OSError, ValueError):
        return ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
