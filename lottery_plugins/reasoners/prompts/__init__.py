"""The prompts of the built-in reasoners, as versioned data: one TOML file per reasoner.

A changed prompt changes scores, so `prompts_version` belongs into a run's fingerprint.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

__all__ = ["Example", "Prompt", "load", "prompts_version"]


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example of a few-shot prompt."""

    question: str
    reply: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The texts that one reasoner shows to a model.

    Attributes:
        name: The file's name without suffix.
        version: Raised with every change of the file.
        texts: By name; `{field}` in a text is a place to fill.
        stop: Strings that end a completion of this reasoner.
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


@functools.cache
def load(name: str) -> Prompt:
    """The prompt file of that name; read once."""
    data = tomllib.loads(_files()[name].decode())
    examples = tuple(Example(e["question"], e["reply"]) for e in data.get("examples", ()))
    return Prompt(name, data["version"], data["texts"], tuple(data.get("stop", ())), examples)


@functools.cache
def prompts_version() -> str:
    """Versions and content hash of all prompts: "program-aided=1,react=1:0d5e3c...". Equal means equal prompts."""
    digest = hashlib.sha256()
    for name, content in _files().items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    versions = ",".join(f"{name}={load(name).version}" for name in _files())
    return f"{versions}:{digest.hexdigest()[:12]}"


@functools.cache
def _files() -> Mapping[str, bytes]:
    """All prompt files by name, with newlines as in the repository whatever a checkout made of them."""
    folder = resources.files(__name__)
    found = [f for f in folder.iterdir() if f.name.endswith(".toml")]
    return {
        f.name.removesuffix(".toml"): f.read_bytes().replace(b"\r\n", b"\n")
        for f in sorted(found, key=lambda f: f.name)
    }
