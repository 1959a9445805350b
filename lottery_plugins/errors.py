"""Every error the product raises on purpose.

    LotteryError
    ├── ConfigError             a value the user wrote is outside what is allowed
    ├── PluginNotFoundError     nothing is registered under that name
    ├── PluginConflictError     two distributions registered the same name
    ├── PluginError             a plugin failed while loading, registering or running
    ├── MissingExtraError       a library that the plugin needs is not installed
    ├── DataError               a document, file or folder lacks what is needed
    ├── RunsNotComparableError  two runs can't be paired
    ├── BackendError            a backend broke its contract
    ├── RunEndedError           nothing more can be computed; finished samples are kept
    └── ToolError               goes back to the model as an observation, never to the user

A message is one sentence or two: where, what was got, what is allowed, what to do next. The data stays on the
exception as attributes; the text is made when it is shown.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BackendError",
    "ConfigError",
    "DataError",
    "LotteryError",
    "MissingExtraError",
    "PluginConflictError",
    "PluginError",
    "PluginNotFoundError",
    "RunEndedError",
    "RunsNotComparableError",
    "ToolError",
    "suggest",
]


def suggest(word: str, known: Iterable[str]) -> str:
    """The known word nearest to `word` as "Did you mean 'x'? ", or "" when none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}? " if near else ""


class LotteryError(Exception):
    """Base of all errors made for the user: one clear text, no traceback.

    Attributes:
        exit_status: What the command line exits with.
    """

    exit_status = 2


class ConfigError(LotteryError):
    """A setting has a value that is not allowed.

    Args:
        where: The setting as the user would write it, e.g. "compression: wanda.sparsity".
        got: The value received; shown by repr.
        allowed: What would have been right, as a noun phrase: "a number in [0, 1)".
        hint: What to do next, as a sentence.
    """

    def __init__(self, where: str, got: object, allowed: str, hint: str = "") -> None:
        super().__init__(where, got, allowed, hint)
        self.where, self.got, self.allowed, self.hint = where, got, allowed, hint

    def __str__(self) -> str:
        return f"{self.where}: got {self.got!r}, allowed is {self.allowed}. {self.hint}".strip()


class PluginNotFoundError(LotteryError):
    """No plugin of that kind has that name; the kind "plugin" stands for all kinds."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(kind, name)
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))

    def __str__(self) -> str:
        narrowed = "" if self.kind == "plugin" else f" --kind {self.kind}"
        return (
            f"No {self.kind} is named {self.name!r}. {suggest(self.name, self.known)}"
            f"Allowed: {', '.join(self.known) or 'none is installed'}. See: lottery plugins list{narrowed}"
        )


class PluginConflictError(LotteryError):
    """Two distributions registered one name."""

    def __init__(self, kind: str, name: str, distributions: Iterable[str]) -> None:
        super().__init__(kind, name)
        self.kind, self.name, self.distributions = kind, name, tuple(sorted(distributions))

    def __str__(self) -> str:
        either = " or ".join(f"'{d}/{self.name}'" for d in self.distributions)
        return (
            f"Several distributions register a {self.kind} named {self.name!r}: {', '.join(self.distributions)}. "
            f"Write {either}, or uninstall one."
        )


class PluginError(LotteryError):
    """A plugin failed; the message names it and the cause, and nobody else is harmed."""

    def __init__(self, plugin: str, doing: str, cause: BaseException | str) -> None:
        super().__init__(plugin, doing, cause)
        self.plugin, self.doing, self.cause = plugin, doing, cause

    def __str__(self) -> str:
        cause = self.cause if isinstance(self.cause, str) else f"{type(self.cause).__name__}: {self.cause}"
        return (
            f"Plugin {self.plugin} failed while {self.doing}: {cause}. "
            "See: lottery plugins doctor; leave it out with LOTTERY_PLUGINS_BLOCK."
        )


class MissingExtraError(LotteryError):
    """A plugin needs a library that is not installed."""

    def __init__(self, plugin: str, package: str, install: str) -> None:
        super().__init__(plugin, package, install)
        self.plugin, self.package, self.install = plugin, package, install

    def __str__(self) -> str:
        return f"{self.plugin} needs the package {self.package!r}, which is not installed. Install it: {self.install}"


class DataError(LotteryError):
    """A file, a folder or a document lacks what is needed.

    Args:
        where: The file, folder, or "task t, document 7".
        problem: What is wrong, as a verb phrase: "has no field 'question'".
        hint: What to do next, as a sentence.
    """

    def __init__(self, where: str, problem: str, hint: str = "") -> None:
        super().__init__(where, problem, hint)
        self.where, self.problem, self.hint = where, problem, hint

    def __str__(self) -> str:
        return f"{self.where} {self.problem}. {self.hint}".strip()


class RunsNotComparableError(LotteryError):
    """Two runs can't be paired document by document."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)
        self.reason, self.hint = reason, hint

    def __str__(self) -> str:
        return f"These runs can't be compared: {self.reason}. {self.hint}".strip()


class BackendError(LotteryError):
    """A backend answered what its contract forbids."""

    def __init__(self, backend: str, problem: str, hint: str = "") -> None:
        super().__init__(backend, problem, hint)
        self.backend, self.problem, self.hint = backend, problem, hint

    def __str__(self) -> str:
        return f"Backend {self.backend}: {self.problem}. {self.hint}".strip()


class ToolError(LotteryError):
    """A tool call that can't be answered; its text is shown to the model as the observation.

    Args:
        tool: The tool's name.
        problem: What is wrong with the call, short, without traceback.
        hint: What to send instead.
        category: One word for statistics: "arguments", "domain", "timeout", "denied", "crashed", "limit".
    """

    def __init__(self, tool: str, problem: str, hint: str = "", *, category: str = "arguments") -> None:
        super().__init__(tool, problem, hint)
        self.tool, self.problem, self.hint, self.category = tool, problem, hint, category

    def __str__(self) -> str:
        return f"{self.tool}: {self.problem}. {self.hint}".strip()


class RunEndedError(LotteryError):
    """Nothing more can be computed, for any sample: the model is broken or gone. Ends the run; never a wrong answer."""
