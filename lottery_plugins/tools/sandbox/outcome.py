"""What running a program may cost, and how it can fail."""

from __future__ import annotations

from dataclasses import dataclass

from lottery_plugins.tools.arguments import shortened

__all__ = ["Failure", "SandboxLimits", "output_failure", "raised", "timed_out"]


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """Limits of one program: seconds, bytes, and characters of output."""

    timeout_s: float
    max_memory_bytes: int
    max_output_chars: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a program gave no output.

    Attributes:
        problem: For the model, short, without traceback.
        category: As in `ToolError`.
        hint: What to send instead; "" for the tool's usual hint.
        is_unsupported: The program may be right, but this interpreter lacks what it uses.
    """

    problem: str
    category: str
    hint: str = ""
    is_unsupported: bool = False


def timed_out(limits: SandboxLimits) -> Failure:
    """The program ran too long."""
    return Failure(f"stopped after {limits.timeout_s:g} s", "timeout", "Send a program that needs fewer steps.")


def output_failure(output: str, limits: SandboxLimits) -> Failure:
    """The program printed too much."""
    return Failure(
        f"the output is longer than {limits.max_output_chars} characters; it starts {shortened(output)!r}",
        "limit",
        "Print only the answer.",
    )


def raised(kind: str, message: str, line: int | None, limits: SandboxLimits) -> Failure:
    """The program ended with an exception, named as Python does.

    Args:
        kind: The exception's class name.
        message: Its text.
        line: Where in the program, counted from 1.
        limits: Named in the message when one of them was the cause.
    """
    if kind == "MemoryError":
        megabytes = limits.max_memory_bytes // 2**20
        return Failure(f"the program needs more than {megabytes} MiB", "limit", "Send one that stores less.")
    at_line = f" at line {line}" if line else ""
    text = f"{kind}{at_line}: {shortened(message, 300)}" if message else f"{kind}{at_line}"
    category = {"RecursionError": "limit", "SyntaxError": "arguments", "PermissionError": "denied"}.get(kind, "crashed")
    return Failure(text, category, "Correct the program.")
