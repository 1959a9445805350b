"""Each test of the lm-eval border has a cache folder of its own."""

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LOTTERY_CACHE", str(tmp_path / "cache"))
