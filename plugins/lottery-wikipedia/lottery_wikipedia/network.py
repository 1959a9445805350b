"""Asking the server: one request at a time, within a deadline, with the waits that it asks for."""

from __future__ import annotations

import email.utils
import json
import os
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from lottery_plugins.errors import ConfigError
from lottery_wikipedia.access import Access
from lottery_wikipedia.circuit import Circuit, Clock, State
from lottery_wikipedia.errors import RefusedError, UnreachableError

if TYPE_CHECKING:
    import httpx

__all__ = ["Network"]

MAX_ATTEMPTS = 3
MAX_BYTES = 32 * 2**20
_BACKOFF_S = 0.5  # before the second attempt where the server names no time, doubled before the third
_LEAST_S = 1.0  # with less time left than this, silence says nothing about the server
_BUSY = ("maxlag", "ratelimited", "readonly")  # errors that the API reports inside a good answer

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Wait:
    """The server does not answer now. `seconds` is None where it named no time."""

    reason: str
    seconds: float | None
    is_failure: bool


class Network:
    """Asks one server.

    Args:
        access: Who asks, where, and within which time.
        circuit: What is known of the server.
        clock: The time.
    """

    def __init__(self, access: Access, circuit: Circuit, clock: Clock) -> None:
        self._access, self._circuit, self._clock = access, circuit, clock

    def get(self, params: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        """The API's answer to one request.

        Connection errors, timeouts, 429, 5xx and the API's own "maxlag" are tried again, at most three times in all and
        only within the deadline, after the time in `Retry-After` where there is one.

        Raises:
            UnreachableError: No answer in time, or nobody asks at present.
            RefusedError: The server does not take the request.
            ConfigError: It does not take requests of this user.
        """
        end = self._clock.now() + self._access.deadline_s
        with self._circuit.turn(self._access.deadline_s) as state:
            self._wait_until_open(state, end)
            if end - self._clock.now() < min(_LEAST_S, self._access.deadline_s / 4):
                raise UnreachableError("other requests to it took too long")  # no fault of the server's
            found = self._ask_again(params, headers, end, attempts=1 if state.failures else MAX_ATTEMPTS)
            if isinstance(found, _Wait):
                self._note(state, found)
                raise UnreachableError(found.reason)
            state.failures, state.closed_until, state.reason = 0, 0.0, ""
            return found

    def _wait_until_open(self, state: State, end: float) -> None:
        """Wait for the end of a short pause, keeping the turn: nobody else may ask either. A longer one is refused."""
        left_s = self._circuit.left_s(state)
        if not left_s:
            return
        if state.failures or self._clock.now() + left_s >= end:
            raise UnreachableError(f"{state.reason}; the next request may be made in {left_s:.0f} s")
        self._clock.sleep(left_s)

    def _ask_again(
        self, params: Mapping[str, str], headers: Mapping[str, str], end: float, attempts: int
    ) -> dict[str, Any] | _Wait:
        """Ask until there is an answer. The turn is kept: meanwhile the others would find out the same."""
        for attempt in range(1, attempts + 1):
            found = self._ask(params, headers, end - self._clock.now())
            if not isinstance(found, _Wait):
                break
            pause_s = _BACKOFF_S * 2 ** (attempt - 1) if found.seconds is None else found.seconds
            if attempt == attempts or self._clock.now() + pause_s >= end:
                break
            self._clock.sleep(pause_s)
        return found

    def _note(self, state: State, wait: _Wait) -> None:
        if wait.seconds is not None:
            self._circuit.pause(state, wait.seconds, wait.reason)
        elif wait.is_failure:
            self._circuit.fail(state, wait.reason)

    def _ask(self, params: Mapping[str, str], headers: Mapping[str, str], left_s: float) -> dict[str, Any] | _Wait:
        import httpx

        url = httpx.URL(self._access.address, params=dict(params))
        host = url.host
        try:
            response = _within(left_s, lambda: _fetch(url, headers, left_s))
        except (httpx.TimeoutException, TimeoutError):
            return _Wait(f"{host} does not answer within {self._access.deadline_s:g} s", None, is_failure=True)
        except httpx.TransportError as error:
            return _Wait(f"{host} can't be reached ({type(error).__name__})", None, is_failure=True)
        return self._read(response, host)

    def _read(self, response: httpx.Response, host: str) -> dict[str, Any] | _Wait:
        status, retry_after = response.status_code, self._retry_after(response)
        if status == 429 or status >= 500:
            what = "asks for fewer requests" if status == 429 else f"is out of order (status {status})"
            return _Wait(f"{host} {what}", retry_after, is_failure=status != 429)
        if status in (401, 403):
            told = " ".join(response.text.split())[:200]
            raise ConfigError(
                "wikipedia.user_agent", self._access.agent, f"one that {host} lets in", f"It says ({status}): {told}"
            )
        if status != 200:
            raise RefusedError(f"{host} answers with status {status}")
        try:
            found = json.loads(response.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return _Wait(f"{host} answers with what is no JSON object", retry_after, is_failure=True)
        error = found.get("error")
        if not error:
            return found
        code, info = (
            (str(error.get(key, ""))[:200] for key in ("code", "info")) if isinstance(error, dict) else ("", "")
        )
        if code in _BUSY:
            return _Wait(f"{host} is busy ({code})", retry_after, is_failure=False)
        raise RefusedError(f"{host} does not take this request ({info or code or 'without a reason'})")

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Seconds of a Retry-After header, which is a number or a date; None without one that can be read."""
        text = response.headers.get("Retry-After", "").strip()
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - self._clock.now())
        except (ValueError, TypeError):
            return None


def _fetch(url: httpx.URL, headers: Mapping[str, str], left_s: float) -> httpx.Response:
    """The whole response, of a length that fits memory."""
    import httpx

    with _client(os.getpid()).stream("GET", url, headers=dict(headers), timeout=left_s) as response:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BYTES:
                raise httpx.ReadError("the answer is too long")
        kept = {name: value for name, value in response.headers.items() if name.lower() == "retry-after"}
        return httpx.Response(response.status_code, headers=kept, content=bytes(content))


@lru_cache(maxsize=1)
def _client(process: int) -> httpx.Client:
    """One client for each process: it keeps connections open, and reads the user's proxy settings."""
    import httpx

    return httpx.Client(follow_redirects=False)


def _within(seconds: float, act: Callable[[], _T]) -> _T:
    """Do something that may hang where no timeout of its library reaches, as the search for a host's address does.

    Raises:
        TimeoutError: It takes longer. It goes on in its thread, which keeps no process alive.
    """
    answers: queue.SimpleQueue[tuple[_T | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((act(), None))
        except Exception as error:  # noqa: BLE001 - raised below, in the thread that waits
            answers.put((None, error))

    threading.Thread(target=work, daemon=True, name="lottery-wikipedia").start()
    try:
        result, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
