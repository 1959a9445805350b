"""Prompts as versioned data: a folder of TOML files, each with the texts of one method.

A changed prompt changes scores, so `PromptFolder.version` belongs into a run's fingerprint.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

__all__ = ["Example", "Prompt", "PromptFolder"]


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example of a few-shot prompt."""

    question: str
    reply: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The texts that one method shows to a model.

    Attributes:
        name: The file's name without suffix.
        version: Raised with every change of the file.
        texts: By name; `{field}` in a text is a place to fill.
        stop: Strings that end a completion of this method.
        examples: Few-shot examples, in order.
    """

    name: str
    version: int
    texts: Mapping[str, str]
    stop: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    def fill(self, text: str, /, **fields: str) -> str:
        """One text with its places filled; braces inside the fields stay as they are."""
        return self.texts[text].format(**fields)


class PromptFolder:
    """The prompt files beside a package's `__init__`; each is read once.

    Args:
        package: The package's name.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._loaded: dict[str, Prompt] = {}

    def load(self, name: str) -> Prompt:
        """The prompt file of that name."""
        if name not in self._loaded:
            data = tomllib.loads(self._files[name].decode())
            examples = tuple(Example(e["question"], e["reply"]) for e in data.get("examples", ()))
            self._loaded[name] = Prompt(name, data["version"], data["texts"], tuple(data.get("stop", ())), examples)
        return self._loaded[name]

    @cached_property
    def version(self) -> str:
        """Versions and content hash of all files: "program-aided=1,react=1:0d5e3c...". Equal means equal prompts."""
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        versions = ",".join(f"{name}={self.load(name).version}" for name in self._files)
        return f"{versions}:{digest.hexdigest()[:12]}"

    @cached_property
    def _files(self) -> Mapping[str, bytes]:
        """All prompt files by name, with newlines as in the repository whatever a checkout made of them."""
        folder = resources.files(self._package)
        found = [f for f in folder.iterdir() if f.name.endswith(".toml")]
        return {
            f.name.removesuffix(".toml"): f.read_bytes().replace(b"\r\n", b"\n")
            for f in sorted(found, key=lambda f: f.name)
        }
