"""A server on loopback and a client of it."""

import openai_standin
import pytest

from lottery_plugins.backends import http_client
from lottery_plugins.backends.openai_options import OpenAIOptions
from lottery_plugins.backends.openai_server import OpenAIServer


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(http_client, "_FIRST_WAIT_S", 0.01)
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with openai_standin.running() as running:
        yield running


@pytest.fixture
def connect(server):
    made = []

    def make(codec=None, **options):
        made.append(OpenAIServer(OpenAIOptions(base_url=server.url, model="m", **options), codec))
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.close()
