"""Tools that worker processes find by this module's name: well behaved, slow, and broken in each way."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import ClassVar

from lottery_plugins.errors import ToolError
from lottery_plugins.protocols.tool import Parameter, ToolDescription
from lottery_plugins.trajectory import ToolResult


@dataclass(frozen=True)
class OneText:
    """A tool with one text parameter; subclasses say what they do with it."""

    summary: ClassVar[str] = "For tests."
    name: str = "tool"

    @property
    def description(self):
        return ToolDescription(self.name, "For tests.", (Parameter("text", "string", "any text"),))

    def call(self, arguments):
        return self.answer(arguments["text"])


class Echo(OneText):
    """Gives back the text and where it ran; a number of seconds before a colon is waited first."""

    def answer(self, text):
        seconds, _, rest = text.rpartition(":")
        time.sleep(float(seconds or 0))
        return ToolResult(rest, ran_in=str(os.getpid()))


class Types(OneText):
    """Tells what its argument is."""

    def answer(self, text):
        return ToolResult(f"{type(text).__name__} {hex(text) if isinstance(text, int) else repr(text)}")


class Refuses(OneText):
    """Raises a ToolError."""

    def answer(self, text):
        raise ToolError(self.name, f"no {text}", "Send less.", category="domain")


class Does(OneText):
    """Breaks in the way that the text names."""

    def answer(self, text):
        return getattr(self, text)()

    def hang(self):
        while True:
            pass

    def hang_in_c(self):
        return ToolResult(str(re.match("(a+)+$", "a" * 40 + "b")))

    def hang_with_a_child(self):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
        with open(os.environ["LOTTERY_TEST_PID"], "w") as file:
            file.write(str(child.pid))
        return ToolResult(str(child.wait()))

    def hang_and_talk(self):
        while True:
            os.write(2, b"still here\n" * 5000)

    def exit_at_once(self):
        os.write(2, b"last words")
        os._exit(3)

    def kill_itself(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def segfault(self):
        os.kill(os.getpid(), signal.SIGSEGV)

    def sys_exit(self):
        sys.exit(1)

    def divide(self):
        return ToolResult(str(1 / 0))

    def return_text(self):
        return "text"

    def return_bytes(self):
        return ToolResult(b"text")

    def print_a_lot(self):
        print("printed" * 50_000, flush=True)
        os.write(1, b"written\n" * 50_000)
        return ToolResult("fine")

    def read_input(self):
        return ToolResult(repr(sys.stdin.read()))

    def answer_a_lot(self):
        return ToolResult("é" * 1_000_000)

    def answer_too_much(self):
        return ToolResult("x" * 20_000_000)

    def answer_half_a_surrogate(self):
        return ToolResult("a\ud800\x00\n\u2028b")

    def threads(self):
        return ToolResult(os.environ["OMP_NUM_THREADS"])

    def modules(self):
        return ToolResult(" ".join(sorted({"torch", "lm_eval", "transformers", "asyncio"} & set(sys.modules))))

    def die_when_idle(self):
        import threading

        threading.Timer(0.05, os._exit, [0]).start()
        return ToolResult("soon")


class Forges(OneText):
    """Writes the text to all descriptors that could be that of the answers, and ends or waits."""

    def answer(self, text):
        for fd in range(3, 20):
            try:
                os.write(fd, text.encode("utf-8", "surrogatepass"))
            except OSError:
                continue
        return ToolResult("the honest answer")


class Floods(OneText):
    """Writes without end where answers go."""

    def answer(self, text):
        while True:
            for fd in range(3, 20):
                try:
                    os.write(fd, b"x" * 65536)
                except OSError:
                    continue


class LoadFails(OneText):
    """Can be pickled, but not unpickled in another process."""

    def __reduce__(self):
        return _only_in, (os.getpid(),)


class LoadDies(OneText):
    def __reduce__(self):
        return _die_elsewhere, (os.getpid(),)


def _only_in(pid):
    if os.getpid() != pid:
        raise ImportError("not here")
    return LoadFails()


def _die_elsewhere(pid):
    if os.getpid() != pid:
        os._exit(7)
    return LoadDies()


TOUCHED = []


class Evil:
    """Unpickling it leaves a trace."""

    def __reduce__(self):
        return TOUCHED.append, ("unpickled",)
