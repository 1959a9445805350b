"""What the CPython process runs: takes its own rights away, then runs the program. Imports nothing of ours.

Usage: python -I -B confined.py PROGRAM TIMEOUT_S MAX_MEMORY_BYTES MAX_OUTPUT_CHARS
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import math
import os
import signal
import sys
from types import CodeType

START_SECONDS = 2.0
"""Allowed beyond the program's time for starting the interpreter."""

LIBRARY_BYTES = 512 * 2**20
"""Address space allowed beyond the program's memory: numpy alone maps a few hundred MiB."""

LAST_VALUE = "_value_of_last_expression"

FORBIDDEN = (
    "ctypes.dlsym", "os.chmod", "os.chown", "os.exec", "os.fork", "os.kill", "os.link", "os.mkdir", "os.posix_spawn",
    "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.symlink", "os.system", "os.truncate", "os.utime", "pty.spawn",
    "socket.", "subprocess.", "urllib.", "webbrowser.",
)  # fmt: skip
"""Beginnings of the audit events that end in a PermissionError."""


def take_rights_away(timeout_s: float, max_memory_bytes: int, max_output_chars: int) -> None:
    """Set limits on this process that it can't raise again, and refuse files, network and other programs."""
    import resource

    seconds = math.ceil(timeout_s + START_SECONDS)
    # At the lower limit comes SIGXCPU, which tells what happened; at the upper one SIGKILL, which does not.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 2))
    for which, most in (
        (resource.RLIMIT_AS, max_memory_bytes + LIBRARY_BYTES),
        (resource.RLIMIT_FSIZE, 4 * max_output_chars + 4096),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(which, (most, most))
    readable = (*library_folders(sys.path), *SYSTEM)
    sys.addaudithook(lambda event, arguments: refuse(event, arguments, readable))
    signal.setitimer(signal.ITIMER_REAL, timeout_s)  # ends this process by SIGALRM


def refuse(event: str, arguments: tuple[object, ...], readable: tuple[str, ...]) -> None:
    """Audit hook: raise where the program would leave its room; what it can open begins with one of `readable`."""
    if event == "open":
        path, mode, flags = arguments
        writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        if writes or (isinstance(mode, str) and set(mode) & set("wax+")):
            raise PermissionError(f"files can't be written here: {path!r}")
        if isinstance(path, str | bytes) and not os.path.realpath(os.fsdecode(path)).startswith(readable):
            raise PermissionError(f"files can't be read here: {path!r}")
    elif event.startswith(FORBIDDEN):
        raise PermissionError(f"not allowed here: {event}")


SYSTEM = (
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/sys/devices/system/cpu",
    "/usr/share/zoneinfo",
    "/dev/null",
    "/dev/urandom",
)
"""Beginnings of the paths outside the libraries that can be opened, for reading."""


def library_folders(search_path: list[str]) -> tuple[str, ...]:
    """The folders that libraries are imported from, resolved, each with a separator at its end.

    Beyond Python's own these are the folders of the search path, since a .pth file may name any; but none that holds
    the current one, which would open more than libraries.

    Args:
        search_path: `sys.path` of an isolated interpreter, as it was at its start.
    """
    own = {resolved(path) for path in (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__))}
    named = {resolved(path) for path in search_path if path and os.path.isdir(path)}
    here = resolved(os.curdir)
    return tuple(sorted(own | {folder for folder in named if not here.startswith(folder)}))


def resolved(folder: str) -> str:
    """The folder's real path with one separator at its end."""
    return os.path.join(os.path.realpath(folder), "")


class ProgramLoader(importlib.abc.InspectLoader):
    """Gives the import system code that is already compiled."""

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def get_code(self, fullname: str) -> CodeType:
        """The program's code."""
        return self.code

    def get_source(self, fullname: str) -> None:
        """None: tracebacks show no lines."""


def compiled(source: bytes) -> CodeType:
    """The program's code, changed so that the value of a trailing expression is kept."""
    tree = ast.parse(source, "program")
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        kept = ast.Assign([ast.Name(LAST_VALUE, ast.Store())], last.value)
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(kept, last))
    return compile(tree, "program", "exec")


def main(program: str, timeout_s: str, max_memory_bytes: str, max_output_chars: str) -> None:
    """Run the program; its last value is written out when it printed nothing."""
    with open(program, "rb") as file:
        source = file.read()
    del sys.argv[1:]
    take_rights_away(float(timeout_s), int(max_memory_bytes), int(max_output_chars))
    loader = ProgramLoader(compiled(source))
    spec = importlib.util.spec_from_loader("__main__", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["__main__"] = module
    loader.exec_module(module)
    value = vars(module).get(LAST_VALUE)
    sys.stdout.flush()
    if value is not None and os.fstat(1).st_size == 0:
        print(value)  # noqa: T201 - this process's whole purpose


if __name__ == "__main__":
    main(*sys.argv[1:])
