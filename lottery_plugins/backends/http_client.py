"""JSON requests to one server: bounded in number, repeated while it is busy, with errors in one sentence.

Runs on a thread of its own, so that connections outlive the event loops of lm-eval's calls.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from lottery_plugins.backends.loop_thread import LoopThread
from lottery_plugins.errors import BackendError, ConfigError, DataError, LotteryError, RunEndedError

__all__ = ["HttpSettings", "JsonClient"]

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_FIRST_WAIT_S, _LONGEST_WAIT_S, _CONNECT_S = 0.5, 30.0, 10.0
_SHOWN_CHARACTERS = 300
_TOO_LONG = (
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "context window",
    "max_model_len",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """How a server is asked.

    Attributes:
        name: Of the engine, for errors.
        base_url: What all paths are put behind.
        key: Sent as a bearer token; "": none. Shown nowhere.
        key_variable: Where it came from, for errors.
        max_concurrent: Most requests under way.
        timeout_s: Longest time of one request with its repetitions; waiting for a place is not counted.
        max_retries: Most repetitions.
    """

    name: str
    base_url: str
    key: str
    key_variable: str
    max_concurrent: int
    timeout_s: float
    max_retries: int


class _BusyError(Exception):
    """Worth another try: `reason`, and the seconds that the server asks for."""

    def __init__(self, reason: str, wait_s: float | None = None, *, is_reached: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.wait_s, self.is_reached = reason, wait_s, is_reached


class JsonClient:
    """Posts JSON to one server. Methods may be awaited from any event loop."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._thread = LoopThread(f"lottery-{settings.name}")
        headers = {"Content-Type": "application/json"}
        if settings.key:
            headers["Authorization"] = f"Bearer {settings.key}"
        limits = httpx.Limits(
            max_connections=settings.max_concurrent, max_keepalive_connections=settings.max_concurrent
        )
        self._client = httpx.AsyncClient(base_url=settings.base_url.rstrip("/"), headers=headers, limits=limits)
        self._places = asyncio.Semaphore(settings.max_concurrent)
        self._random = random.Random(0)

    async def post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The server's answer to one request.

        Raises:
            BackendError: It refuses, or answers what is no JSON object.
            DataError: The prompt is too long for it.
            ConfigError: It does not accept the key.
            RunEndedError: It can't be reached any more.
        """
        return await self._thread.run(self._post(path, payload))

    def close(self) -> None:
        """Close all connections. A second call does nothing."""
        if not self._client.is_closed:
            self._thread.run_now(self._client.aclose())
            self._thread.close()

    async def _post(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        async with self._places:
            deadline = time.monotonic() + self._settings.timeout_s
            for attempt in range(self._settings.max_retries + 1):
                try:
                    return await self._once(path, payload, deadline)
                except _BusyError as error:
                    wait_s = self._wait(attempt, error)
                    if attempt == self._settings.max_retries or time.monotonic() + wait_s >= deadline:
                        raise self._given_up(error, attempt + 1) from error
                await asyncio.sleep(wait_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, path: str, payload: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        left = max(0.01, deadline - time.monotonic())
        timeout = httpx.Timeout(left, connect=min(_CONNECT_S, left), pool=None)
        content = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")  # half a surrogate pair is no text
        try:
            async with asyncio.timeout(left):
                response = await self._client.post(path, content=content, timeout=timeout)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _BusyError(f"no answer within {left:.3g} s ({type(error).__name__})") from error
        except httpx.TransportError as error:
            is_reached = not isinstance(error, httpx.ConnectError)
            raise _BusyError(f"{type(error).__name__}: {error}", is_reached=is_reached) from error
        if response.status_code != 200:
            raise self._refusal(response)
        try:
            answer = json.loads(response.content)
        except ValueError as error:
            raise _BusyError(f"an answer that is no JSON: {self._shown(response.text)}") from error
        if not isinstance(answer, dict):
            raise BackendError(self._settings.name, f"answered with {type(answer).__name__}, not with an object")
        return answer

    def _refusal(self, response: httpx.Response) -> Exception:
        """The error that a status stands for."""
        message = self._shown(_message(response))
        status, told = response.status_code, f"HTTP {response.status_code}: {message}"
        if status in (401, 403):
            variable = f"the environment variable {self._settings.key_variable}"
            got = f"HTTP {status}" + ("" if self._settings.key else f", and {variable} is not set")
            return ConfigError(
                f"engine={self._settings.name}", got, f"a key that the server takes, in {variable}", message
            )
        if any(words in _message(response).lower() for words in _TOO_LONG):
            return DataError(f"A prompt to engine={self._settings.name}", f"is too long: {message}")
        if status in _BUSY:
            return _BusyError(told, _retry_after(response))
        return BackendError(self._settings.name, told, "Check base_url, model and api.")

    def _wait(self, attempt: int, error: _BusyError) -> float:
        """Seconds until the next try: what the server asks for, else doubling; spread, so that not all come at once."""
        if error.wait_s is not None:
            return error.wait_s
        return min(_FIRST_WAIT_S * 2.0**attempt, _LONGEST_WAIT_S) * self._random.uniform(0.5, 1.0)

    def _given_up(self, error: _BusyError, attempts: int) -> LotteryError:
        told = f"{error.reason}, after {attempts} attempts"
        if not error.is_reached:
            return RunEndedError(f"{self._settings.base_url} can't be reached: {told}.")
        return BackendError(
            self._settings.name, told, "Lower max_concurrent or raise timeout_s, or look at the server."
        )

    def _shown(self, text: str) -> str:
        """A server's text in one line, without the key."""
        line = " ".join(text.split())
        line = line.replace(self._settings.key, "***") if self._settings.key else line
        return line[:_SHOWN_CHARACTERS].rstrip(". ") or "no message"


def _message(response: httpx.Response) -> str:
    """What the server says of its refusal; servers differ in where."""
    try:
        found = json.loads(response.content)
    except ValueError:
        return response.text
    for key in ("error", "detail"):
        if isinstance(found, dict) and found.get(key):
            found = found[key]
    if isinstance(found, dict):
        return ", ".join(str(found[key]) for key in ("message", "type", "code") if found.get(key))
    return found if isinstance(found, str) else json.dumps(found)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of a Retry-After header, a number or a date; None where there is none that can be read."""
    value = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
