"""A file of servers as users have it, and an end to all connections."""

import json

import pytest
from hypothesis import settings


@pytest.fixture(scope="session")
def servers_file(tmp_path_factory):
    """A function from server entries to the path of a file that holds them."""

    def write(**servers):
        path = tmp_path_factory.mktemp("servers") / "servers.json"
        path.write_text(json.dumps({"mcpServers": servers}))
        return str(path)

    return write


@pytest.fixture
def few_examples():
    """Each example is a round trip to another process."""
    before = settings.get_current_profile_name()
    settings.register_profile("few-examples", max_examples=15, deadline=None, derandomize=True)
    settings.load_profile("few-examples")
    yield
    settings.load_profile(before)


@pytest.fixture(autouse=True)
def _no_connection_is_left():
    yield
    from lottery_mcp.tools import close_connections

    close_connections()
