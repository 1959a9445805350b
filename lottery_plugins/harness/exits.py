"""How a command ends: one clear sentence and a status that a script can read."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lottery_plugins.errors import LotteryError

__all__ = ["INTERRUPTED", "clear_exit", "run_before_the_end"]

INTERRUPTED = "Interrupted: finished samples are kept; the same command goes on where it stopped."

_late_errors: list[Exception] = []
_open_commands: list[None] = []


def _say(text: str) -> None:
    """Print on a line of its own: a progress bar may have left the cursor anywhere."""
    if os.environ.get("LOTTERY_DEBUG") == "1":
        traceback.print_exc()
    sys.stderr.write(f"\n{text}\n")


@contextmanager
def clear_exit(*, says_interrupted: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """End the process with one sentence on stderr instead of a traceback.

    A `LotteryError` exits with its own status, Ctrl-C with 130. Any other exception is a bug and keeps its traceback;
    `LOTTERY_DEBUG=1` shows the traceback of the others as well.

    Args:
        says_interrupted: Asked at Ctrl-C: whether our promise about finished samples holds. If not, Ctrl-C stays what
            it was.

    Raises:
        SystemExit: Instead of a LotteryError, and of a KeyboardInterrupt that is ours.
    """
    _open_commands.append(None)
    try:
        yield
        if _late_errors:
            raise _late_errors[0]
    except LotteryError as error:
        _say(f"{type(error).__name__}: {error}")
        raise SystemExit(error.exit_status) from None
    except KeyboardInterrupt:
        if not says_interrupted():
            raise
        _say(INTERRUPTED)
        raise SystemExit(130) from None
    finally:
        _open_commands.pop()
        _late_errors.clear()


def run_before_the_end(action: Callable[[], object]) -> None:
    """Do something that must not cost the caller the rest of its work.

    Inside `clear_exit`, a failure is raised when the command has finished; outside, at once.
    """
    try:
        action()
    except Exception as error:  # raised again: by clear_exit, or right here
        if not _open_commands:
            raise
        _late_errors.append(error)
