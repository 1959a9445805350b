"""What all plugins share: a frozen dataclass with a name, a summary, and its options as fields.

Options are read from the fields: type from the annotation, default from the field, unit and meaning from
`field(metadata={"help": ..., "unit": ..., "allowed": ...})`. `option()` writes such a field in one line.
A class may also set `source` (the paper or page of the method) and `requires`, pairs of the import name of a library it
needs and how to install it, so that a missing one is reported before any model is loaded.

An instance may have a `stamp`, a text that names the content which its answers come from, such as a file's hash; "" for
none. It becomes part of the run's fingerprint, beside the options. A tool of a tool set has its own.

Allowed option types: bool, int, float, str, and each of them `| None`.
Checks of values belong to `__post_init__`, which raises `ConfigError`.
"""

from __future__ import annotations

from dataclasses import MISSING, field
from typing import Any, ClassVar, Protocol, runtime_checkable

__all__ = ["Plugin", "option"]


@runtime_checkable
class Plugin(Protocol):
    """A plugin class: a frozen dataclass whose fields are its options.

    Attributes:
        name: Short, lower case, hyphens: the word users write in a spec string.
        summary: One sentence for `lottery plugins list`.
    """

    name: ClassVar[str]
    summary: ClassVar[str]


def option(default: Any = MISSING, help: str = "", *, unit: str = "", allowed: str = "") -> Any:  # noqa: A002 - argparse's word
    """A dataclass field that is an option of a plugin.

    Args:
        default: Value when the user does not write it; without one the option must be written.
        help: What it does, as a phrase.
        unit: "tokens", "s", "bits", "fraction removed"; "" for none.
        allowed: The allowed values in words: "[0, 1)", "4 or 8".
    """
    return field(default=default, metadata={"help": help, "unit": unit, "allowed": allowed})
