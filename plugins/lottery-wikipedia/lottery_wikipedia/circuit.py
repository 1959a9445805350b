"""What all processes of this machine know of a server's state: whether it is worth asking, and when it may be.

Tools run in several worker processes. They share a small file, and ask one at a time under its lock, as Wikimedia wants
programs to. So when the network is away, one call finds that out and all others are told at once, whatever process they
run in; when the server asks for a pause, all keep it. The lock is the operating system's: it goes with a process that
is killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lottery_plugins.errors import DataError
from lottery_plugins.folders import cache_folder
from lottery_wikipedia.errors import UnreachableError

__all__ = ["Circuit", "Clock", "State"]

MAX_COOL_DOWN_S = 600.0
MAX_PAUSE_S = 3600.0


class Clock:
    """Time, so that tests can set it."""

    def now(self) -> float:
        """Seconds since 1970: the only time that processes share on every system."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(slots=True)
class State:
    """What is known of a server.

    Attributes:
        failures: Calls that failed since the last answer.
        closed_until: Nobody asks before this time, in seconds since 1970.
        reason: Why, for the message.
    """

    failures: int = 0
    closed_until: float = 0.0
    reason: str = ""


class Circuit:
    """The shared state of one server.

    Args:
        address: Of the server's API; its host names the state.
        cool_down_s: How long nobody asks after the first failure; doubled with each further one, to 10 minutes.
        folder: Where the file lies; None: the product's cache folder.
        clock: The time.
    """

    def __init__(
        self, address: str, cool_down_s: float, folder: Path | None = None, clock: Clock | None = None
    ) -> None:
        host = urlsplit(address).netloc
        name = hashlib.sha256(host.encode()).hexdigest()[:16]
        self._host, self._cool_down_s, self._clock = host, cool_down_s, clock or Clock()
        self._file = (folder or cache_folder() / "wikipedia") / f"{name}.json"

    @contextlib.contextmanager
    def turn(self, wait_s: float) -> Iterator[State]:
        """Hold the turn to ask; what the caller changes in the state is kept for all.

        Args:
            wait_s: Most time to wait for the others of this machine.

        Raises:
            UnreachableError: The others take longer.
            DataError: The cache folder can't be written.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(f"{self._file}.lock")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=max(0.0, wait_s))
        except Timeout:
            raise UnreachableError(f"other requests to {self._host} take too long") from None
        except OSError as error:
            hint = "Set LOTTERY_CACHE to a folder of yours."
            raise DataError(str(self._file.parent), f"can't be written ({error.strerror})", hint) from None
        try:
            state = self._read()
            before = asdict(state)
            try:
                yield state
            finally:
                if asdict(state) != before:
                    self._write(state)
        finally:
            lock.release()

    def left_s(self, state: State) -> float:
        """Seconds until the server may be asked again; 0 when it may be now."""
        left = state.closed_until - self._clock.now()
        return left if 0 < left <= MAX_PAUSE_S else 0.0  # a clock that was set back closes nothing for ever

    def pause(self, state: State, seconds: float, reason: str) -> None:
        """Keep a pause that the server asked for."""
        state.closed_until = self._clock.now() + min(seconds, MAX_PAUSE_S)
        state.reason = reason

    def fail(self, state: State, reason: str) -> None:
        """Note a call that got no answer, and close."""
        cool_down_s = min(self._cool_down_s * 2 ** min(state.failures, 30), MAX_COOL_DOWN_S)
        state.failures += 1
        state.closed_until = self._clock.now() + cool_down_s
        state.reason = reason

    def forget(self) -> None:
        """Begin anew: failures of earlier runs close nothing. A pause that the server asked for stays."""
        if self._file.exists():
            with self.turn(1.0) as state:
                if state.failures:
                    state.failures, state.closed_until, state.reason = 0, 0.0, ""

    def _read(self) -> State:
        try:
            found = json.loads(self._file.read_bytes())
            return State(int(found["failures"]), float(found["closed_until"]), str(found["reason"]))
        except (OSError, ValueError, TypeError, KeyError):  # not there yet, or cut off by a crash: nothing is known
            return State()

    def _write(self, state: State) -> None:
        self._file.write_text(json.dumps(asdict(state)), encoding="utf-8")
