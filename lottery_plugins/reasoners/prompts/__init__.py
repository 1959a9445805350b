"""The prompts of the built-in reasoners: one TOML file per reasoner."""

from __future__ import annotations

from lottery_plugins.reasoning.prompts import Example, Prompt, PromptFolder

__all__ = ["Example", "Prompt", "load", "prompts_version"]

_FOLDER = PromptFolder(__name__)
load = _FOLDER.load


def prompts_version() -> str:
    """Versions and content hash of all prompts; see `PromptFolder.version`."""
    return _FOLDER.version
