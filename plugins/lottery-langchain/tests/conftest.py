"""What LangChain's standard tests expect of pytest."""

import pytest


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "benchmark: a standard test of LangChain that would measure time; here it only runs"
    )


@pytest.fixture
def benchmark():
    """Run what it is given once: times on a busy machine say nothing."""
    return lambda act, *arguments: act(*arguments)
