"""A connection to a server, used from any thread, each act within a deadline of ours.

The MCP library is asynchronous and has several ways to wait for ever, so whoever calls waits for an answer or for the
deadline, whichever comes first.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTimeError
from pathlib import Path
from typing import Any, TypeVar

from lottery_mcp import launch
from lottery_mcp.event_loop import loop_of_process, on_loop
from lottery_mcp.last_words import LastWords
from lottery_mcp.servers import Server

__all__ = ["Connection", "ServerFailedError"]

_T = TypeVar("_T")

_GRACE_S = 1.0  # for the library to tell the server of a deadline before ours
_HTTP_S = 30.0  # to connect to an address, or to send to it
_SESSION_ENDED = "Session terminated"
"""The library's words for a server that has forgotten us: it has not looked at the request."""


class ServerFailedError(Exception):
    """The server did not answer.

    Attributes:
        problem: What happened, as a phrase.
        category: "timeout" or "crashed".
    """

    def __init__(self, problem: str, category: str = "crashed") -> None:
        super().__init__(problem)
        self.problem, self.category = problem, category


class Connection:
    """One server, connected when it is first needed and again after it failed.

    Args:
        server: How to reach it.
        connect_timeout_s: Most time to connect.
        max_failures: Failures in a row, after which nothing is tried for `pause_s`.
        pause_s: That time.
        clock: Seconds, rising.
    """

    def __init__(
        self,
        server: Server,
        connect_timeout_s: float,
        max_failures: int,
        pause_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server, self._clock = server, clock
        self._connect_timeout_s, self._max_failures, self._pause_s = connect_timeout_s, max_failures, pause_s
        self._lock = threading.Lock()  # held while connecting: one thread does, the others wait for it
        self._client: Any = None
        self._stop: asyncio.Event | None = None
        self._failures = 0
        self._failed_at = 0.0

    def ask(self, act: Callable[[Any], Awaitable[_T]], timeout_s: float) -> _T:
        """What the server answers.

        Args:
            act: Asks; given the library's client.
            timeout_s: Most time for the answer, beside that for connecting.

        Raises:
            ServerFailedError: It can't be reached, does not answer in time, or ended.
            MCPError: The server answered with an error.
        """
        try:
            return self._ask_once(act, timeout_s)
        except _ForgottenError:
            return self._ask_once(act, timeout_s)

    def close(self) -> None:
        """End the connection, and with it a server that was started for it."""
        with self._lock:
            self._drop()

    def _ask_once(self, act: Callable[[Any], Awaitable[_T]], timeout_s: float) -> _T:
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED, REQUEST_TIMEOUT

        with self._lock:
            client = self._client or self._connect()
        waiting = on_loop(lambda: act(client))
        try:
            answer = waiting.result(timeout_s + _GRACE_S)
        except NotInTimeError:
            waiting.cancel()
            raise self._failed(client, f"no answer within {timeout_s:g} s", "timeout") from None
        except MCPError as error:
            if error.code == REQUEST_TIMEOUT:
                raise self._failed(client, f"no answer within {timeout_s:g} s", "timeout") from None
            if error.code == CONNECTION_CLOSED:
                raise self._failed(client, "the server ended") from None
            if error.message == _SESSION_ENDED:
                raise _ForgottenError(str(self._failed(client, "the server has forgotten the session"))) from None
            self._failures = 0  # an answer all the same
            raise
        except Exception as error:  # the library, its transports and pydantic raise whatever they like
            raise self._failed(client, f"the connection failed ({type(error).__name__})") from error
        self._failures = 0
        return answer

    def _connect(self) -> Any:
        """A new client. The lock is held.

        Raises:
            ServerFailedError: There is none in time, or it is too early for another try.
        """
        wait_s = self._failed_at + self._pause_s - self._clock()
        if self._failures >= self._max_failures and wait_s > 0:
            raise ServerFailedError(f"the server failed {self._failures} times in a row; not tried for {wait_s:.0f} s")
        ready: Future[Any] = Future()
        stop, told = asyncio.Event(), LastWords()
        owner = on_loop(lambda: _own(self._server, told, ready, stop))
        try:
            self._client = ready.result(self._connect_timeout_s)
        except NotInTimeError:
            owner.cancel()
            problem, category = f"the server was not ready within {self._connect_timeout_s:g} s", "timeout"
        except Exception as error:  # noqa: BLE001 - whatever starting a program or a connection may raise
            problem, category = f"the server can't be reached ({_reason(error)})", "crashed"
        else:
            self._stop = stop
            return self._client
        self._count_failure()
        raise ServerFailedError(f"{problem}{told.shown()}", category)

    def _failed(self, client: Any, problem: str, category: str = "crashed") -> ServerFailedError:
        """Drop the client that failed, unless another thread has done so."""
        with self._lock:
            if self._client is client:
                self._drop()
                self._count_failure()
        return ServerFailedError(problem, category)

    def _count_failure(self) -> None:
        self._failures += 1
        self._failed_at = self._clock()

    def _drop(self) -> None:
        if self._stop is not None:
            loop_of_process().call_soon_threadsafe(self._stop.set)
        self._client = self._stop = None


class _ForgottenError(ServerFailedError):
    """The server answered that it does not know our session: nothing was done, so the request may be sent again."""


async def _own(server: Server, told: LastWords, ready: Future[Any], stop: asyncio.Event) -> None:
    """Hold a connection open until `stop`; one task must both open and close it."""
    from mcp import Client

    try:
        async with contextlib.AsyncExitStack() as stack:
            client = await stack.enter_async_context(Client(await _transport(server, told, stack)))
            ready.set_result(client)
            await stop.wait()
    except BaseException as error:
        if not ready.done():
            ready.set_exception(error if isinstance(error, Exception) else ServerFailedError("it was given up"))
        if not isinstance(error, Exception):
            raise


async def _transport(server: Server, told: LastWords, stack: contextlib.AsyncExitStack) -> Any:
    if server.url:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        timeout = httpx2.Timeout(_HTTP_S, read=None)  # an answer has our deadline
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=dict(server.headers), timeout=timeout))
        return streamable_http_client(server.url, http_client=http)
    from mcp import StdioServerParameters, stdio_client

    command = server.command
    if sys.platform == "linux":
        command = (sys.executable, "-I", str(Path(launch.__file__)), str(os.getpid()), *command)
    parameters = StdioServerParameters(command=command[0], args=list(command[1:]), env=dict(server.env), cwd=server.cwd)
    return stdio_client(parameters, errlog=stack.enter_context(told.listening()))


def _reason(error: BaseException) -> str:
    """An exception in a few words; of a group, its first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]
