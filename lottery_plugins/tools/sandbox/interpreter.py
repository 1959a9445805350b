"""Running a program in pydantic-monty.

The interpreter lives in worker processes of a pool that is made at the first call and closed at exit. A worker that a
program brings down is replaced; our own process is never harmed.
"""

from __future__ import annotations

import atexit
import builtins
import os
import re
import threading
from typing import Any

from lottery_plugins.errors import PluginError
from lottery_plugins.tools.sandbox.outcome import Failure, SandboxLimits, output_failure, raised, timed_out

__all__ = ["run_in_monty"]

_lock = threading.Lock()
_pools: dict[int, Any] = {}  # at most one, by the id of the process that made it


def run_in_monty(code: str, limits: SandboxLimits) -> str | Failure:
    """What the program printed, else the value of its last expression as text; from any thread.

    Takes at most `timeout_s` twice: once for the program, once for writing out its last value.
    """
    import pydantic_monty

    printed = _Printed(limits.max_output_chars)
    settings = {
        "limits": {
            "max_feed_duration_secs": limits.timeout_s,
            "max_memory": limits.max_memory_bytes,
        },
        "os_policy": {"sleep": "zero", "random_start": {"seed": 0}},
    }
    try:
        with _pool().checkout(**settings) as session:
            value = session.feed_run(code, print_callback=printed)
            output: str | Failure = printed.text
            if value is not None and not printed.text.strip():
                output = _written_out(session, value, limits)
    except pydantic_monty.MontyError as error:
        return output_failure(printed.text, limits) if printed.is_full else _failure(error, limits)
    except (ValueError, TypeError, RecursionError) as error:  # a value that can't be handed over
        return raised(type(error).__name__, str(error), None, limits)
    if isinstance(output, Failure):
        return output
    if printed.is_full or len(output) > limits.max_output_chars:
        return output_failure(output, limits)
    return output.strip()


def _written_out(session: Any, value: object, limits: SandboxLimits) -> str | Failure:
    """The value as text, made inside the sandbox, since repr of nested lists can be longer than any memory.

    Objects of classes that the program defined are gone when it has ended, and can't be written out.
    """
    import pydantic_monty

    code = f"(value if isinstance(value, str) else repr(value))[:{limits.max_output_chars + 1}]"
    try:
        return str(session.feed_run(code, inputs={"value": value}, print_callback=lambda stream, text: None))
    except pydantic_monty.MontyRuntimeError as error:
        if isinstance(error.exception(), RuntimeError) and "no longer exists" in str(error):
            return Failure("the value of the last expression can't be shown", "arguments", "Print the answer.")
        raise


class _Printed:
    """Collects what is printed, up to a limit; the exception ends the program."""

    def __init__(self, max_chars: int) -> None:
        self.max_chars, self.is_full, self.text = max_chars, False, ""

    def __call__(self, stream: str, text: str) -> None:
        if len(self.text) + len(text) > self.max_chars:
            self.text += text[: self.max_chars - len(self.text)]
            self.is_full = True
            raise _TooMuchOutputError
        self.text += text


class _TooMuchOutputError(Exception):
    """Stops the program; never seen outside."""


def _pool() -> Any:
    """This process's pool of workers.

    Raises:
        PluginError: The process was forked off one that has a pool; the library would wait forever in it.
    """
    import pydantic_monty

    with _lock:
        pid = os.getpid()
        if any(owner != pid for owner in _pools):
            reason = "this process was forked off one that runs programs already; start processes by 'spawn'"
            raise PluginError("tool 'python'", "running a program", reason)
        if pid not in _pools:
            pool = pydantic_monty.Monty(min_processes=1)
            pool.__enter__()
            atexit.register(_close, pid)
            _pools[pid] = pool
        return _pools[pid]


def _close(pid: int) -> None:
    if pid == os.getpid():
        _pools.pop(pid).__exit__(None, None, None)


def _failure(error: Any, limits: SandboxLimits) -> Failure:
    """What went wrong, told apart by the exception inside."""
    inner = error.exception()
    kind, message = type(inner).__name__, str(inner)
    if isinstance(inner, TimeoutError) and "time limit exceeded" in message:
        return timed_out(limits)
    if getattr(error, "timed_out", False):
        return timed_out(limits)
    if type(error).__name__ == "MontyCrashedError":
        return Failure("the sandbox broke down on this program", "crashed", "Send another program.")
    frames = error.traceback() if hasattr(error, "traceback") else []
    failure = raised(kind, message, frames[-1].line if frames else None, limits)
    if _is_unsupported(inner, message):
        return Failure(failure.problem, "denied", is_unsupported=True)
    return failure


def _is_unsupported(error: BaseException, message: str) -> bool:
    """Whether CPython could know what monty does not: syntax, modules and their contents, built-in names."""
    match error:
        case NotImplementedError():
            return "monty" in message.lower()
        case ImportError():
            return True
        case AttributeError():
            owner = re.search(r"'(\w+)' object has no attribute '(\w+)'", message)
            lacks_method = owner is not None and hasattr(getattr(builtins, owner[1], None), owner[2])
            return lacks_method or message.startswith("module ")
        case NameError():
            name = re.search(r"name '(\w+)'", message)
            return name is not None and hasattr(builtins, name[1])
        case _:
            return False
