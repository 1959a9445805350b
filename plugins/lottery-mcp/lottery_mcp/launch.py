"""Become a server's command, and die with the process that started it.

A worker process that is killed can't end its server, and a server that hangs does not notice. Linux is told to end it
then. Run by its path, before the command and its arguments.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Replace this process by the command."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == int(sys.argv[1]):  # else it ended before we could tell the system
        try:
            os.execvp(sys.argv[2], sys.argv[2:])
        except OSError as error:
            sys.exit(f"{sys.argv[2]}: {error.strerror}")


if __name__ == "__main__":
    main()
