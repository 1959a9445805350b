"""The prompts of the built-in verifiers: one TOML file per verifier."""

from __future__ import annotations

from lottery_plugins.reasoning.prompts import PromptFolder

__all__ = ["load", "prompts_version"]

_FOLDER = PromptFolder(__name__)
load = _FOLDER.load


def prompts_version() -> str:
    """Versions and content hash of all prompts; see `PromptFolder.version`."""
    return _FOLDER.version
