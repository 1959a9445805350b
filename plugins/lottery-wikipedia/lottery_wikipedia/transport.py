"""What carries the requests of wikipedia-api: a snapshot, a recording, or the network."""

from __future__ import annotations

import json
from typing import Any

import httpx

from lottery_wikipedia.access import Access
from lottery_wikipedia.errors import NotRecordedError
from lottery_wikipedia.network import Network
from lottery_wikipedia.snapshot import Question, open_recording, open_snapshot

__all__ = ["Transport"]

_SENT = ("user-agent", "accept", "accept-encoding")


class Transport(httpx.BaseTransport):
    """Answers wikipedia-api; it sees good answers only, all else is raised through it.

    Args:
        access: Whether to replay or record.
        network: Asks the server.
    """

    def __init__(self, access: Access, network: Network) -> None:
        self._access, self._network = access, network

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The response to a request.

        Raises:
            NoAnswerError: There is none.
            ConfigError: The server lets this user not in.
        """
        params = dict(request.url.params)
        question = question_of(self._access.language, params)
        return httpx.Response(200, content=json.dumps(self._answer(question, params, request)).encode())

    def _answer(self, question: Question, params: dict[str, str], request: httpx.Request) -> dict[str, Any]:
        if self._access.replay:
            found = open_snapshot(self._access.replay).find(question)
            if found is None:
                raise NotRecordedError(f"the recorded snapshot has no answer to {_in_words(question)}")
            return found
        recording = open_recording(self._access.record) if self._access.record else None
        if recording is not None and (known := recording.find(question)) is not None:
            return known
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        response = self._network.get(params, headers)
        return response if recording is None else recording.add(question, response)


def question_of(language: str, params: dict[str, str]) -> Question:
    """What is asked, without what only says how."""
    if params.get("list") == "search":
        return (("language", language), ("limit", int(params["srlimit"])), ("search", params["srsearch"]))
    return (("language", language), ("page", params["titles"]))


def _in_words(question: Question) -> str:
    asked = dict(question)
    return f"the search {asked['search']!r}" if "search" in asked else f"the page {asked['page']!r}"
