"""`python`: a program that the model wrote, in a sandbox."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.protocols.plugin import option
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.tools.arguments import text_argument
from lottery_plugins.tools.sandbox.interpreter import run_in_monty
from lottery_plugins.tools.sandbox.outcome import Failure, SandboxLimits
from lottery_plugins.tools.sandbox.process import run_in_subprocess
from lottery_plugins.trajectory import ToolResult

__all__ = ["Python", "strip_fences"]

HINT = "Send a Python program that prints its answer."
MAX_CODE_CHARS = 50_000

_FENCED = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Python:
    """Run a program that the model wrote and return what it prints, or else the value of its last expression.

    It runs in pydantic-monty, an interpreter in a worker process of its own: no files, no network, no other programs,
    time and memory capped. Each call starts fresh; `random` starts at the same seed and `sleep` returns at once, so
    that a run can be repeated. What monty can't run (some syntax and most modules) is refused, or goes to a
    CPython process when `subprocess` is on; `ToolResult.ran_in` tells which one it was.

    Raises:
        ConfigError: If an option is out of range.

    Source: the sandbox is https://github.com/pydantic/monty; programs as reasoning are PAL, arXiv:2211.10435.
    """

    name: ClassVar[str] = "python"
    summary: ClassVar[str] = "Run a Python program in a sandbox and return what it prints."
    source: ClassVar[str] = "Gao et al. 2023, PAL: Program-aided Language Models, arXiv:2211.10435"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("pydantic_monty", "pip install pydantic-monty"),)

    timeout_s: float = option(5.0, "most time for a program", unit="s", allowed="(0, 600]")
    max_memory_mb: int = option(128, "most memory for a program's data", unit="MiB", allowed="1 to 65536")
    max_output_chars: int = option(4000, "longest output; more is an error", unit="characters", allowed="1 to 1000000")
    subprocess: bool = option(
        False, "run what the sandbox can't in a CPython process with limits, which is no barrier for an attacker"
    )

    def __post_init__(self) -> None:
        if not 0 < self.timeout_s <= 600:
            raise ConfigError("tools: python.timeout_s", self.timeout_s, "a number of seconds in (0, 600]")
        if not 1 <= self.max_memory_mb <= 65_536:
            raise ConfigError("tools: python.max_memory_mb", self.max_memory_mb, "a whole number from 1 to 65536")
        if not 1 <= self.max_output_chars <= 1_000_000:
            raise ConfigError("tools: python.max_output_chars", self.max_output_chars, "a number from 1 to 1000000")
        if self.subprocess and os.name != "posix":
            raise ConfigError("tools: python.subprocess", True, "false on this system", "It needs POSIX limits.")

    @property
    def description(self) -> ToolDescription:
        """What the model is told."""
        return ToolDescription(
            self.name,
            "Runs a Python program and returns what it prints. No files, no network; modules: math, re, json, "
            "datetime, itertools, collections, random and a few more.",
            (Parameter("code", "string", "the program; it must print its answer"),),
        )

    def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The printed output, or the value of the last expression when nothing was printed.

        Raises:
            ToolError: The program fails, prints nothing, or exceeds a limit.
        """
        code = strip_fences(text_argument(self.description, arguments, max_chars=MAX_CODE_CHARS, hint=HINT))
        limits = SandboxLimits(self.timeout_s, self.max_memory_mb * 2**20, self.max_output_chars)
        ran_in, outcome = "monty", run_in_monty(code, limits)
        if isinstance(outcome, Failure) and outcome.is_unsupported:
            if not self.subprocess:
                raise ToolError(
                    self.name,
                    f"the sandbox can't run this: {outcome.problem}",
                    "Use plain Python and the modules named above, or switch on python:subprocess=true.",
                    category="denied",
                )
            ran_in, outcome = "subprocess", run_in_subprocess(code, limits)
        if isinstance(outcome, Failure):
            raise ToolError(self.name, outcome.problem, outcome.hint or HINT, category=outcome.category)
        if not outcome:
            raise ToolError(self.name, "the program printed nothing and ends without a value", HINT)
        return ToolResult(outcome, ran_in=ran_in)


def strip_fences(text: str) -> str:
    """The code inside Markdown fences, several blocks joined, or else the text; common indentation is taken away."""
    blocks = [textwrap.dedent(match[1]).strip("\n") for match in _FENCED.finditer(text)]
    if blocks:
        return "\n".join(blocks)
    text = textwrap.dedent(text).strip("\n")
    return text[1:-1] if re.fullmatch(r"`[^`\n]+`", text) else text
