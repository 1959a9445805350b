"""A server for each test, and a cache folder of its own for what is known of servers."""

import pytest


@pytest.fixture
def wiki(tmp_path, monkeypatch):
    from wikipedia_server import running_wiki

    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "cache"))
    with running_wiki() as server:
        yield server
