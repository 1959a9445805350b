"""The prompts of `logic-program` as versioned data: one TOML file per kind of problem.

Each has worked examples of its own kind of program; `generic` shows the whole page of the language.
"""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

from lottery_plugins.reasoners.prompts import Example, Prompt

__all__ = ["KINDS", "language_page", "load"]

KINDS = ("rules", "constraints", "first-order", "generic")


@functools.cache
def load(kind: str) -> Prompt:
    """The prompt file of one of KINDS; read once."""
    data = tomllib.loads(resources.files(__name__).joinpath(f"{kind}.toml").read_text(encoding="utf-8"))
    examples = tuple(Example(e["question"], e["reply"]) for e in data.get("examples", ()))
    return Prompt(kind, data["version"], data["texts"], tuple(data.get("stop", ())), examples)


@functools.cache
def language_page() -> str:
    """The page that documents the language, for a prompt or a person."""
    return resources.files("lottery_logic.language").joinpath("page.md").read_text(encoding="utf-8")
