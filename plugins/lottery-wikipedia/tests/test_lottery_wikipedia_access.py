"""Who may ask, and whom."""

import pytest

pytest.importorskip("wikipediaapi")

from lottery_wikipedia.access import Access
from wikipedia_server import AGENT

from lottery_plugins.errors import ConfigError


@pytest.mark.parametrize("agent", ["", "bot", "my study", "a@b\r\nX-Header: 1", "müller@example.org"])
def test_nobody_asks_without_saying_who(agent, monkeypatch):
    monkeypatch.delenv("LOTTERY_WIKIPEDIA_USER_AGENT", raising=False)
    with pytest.raises(ConfigError, match="Wikimedia asks every program who runs it"):
        Access(agent)


def test_the_environment_may_say_who_asks(monkeypatch):
    monkeypatch.setenv("LOTTERY_WIKIPEDIA_USER_AGENT", AGENT)
    assert Access().agent == AGENT


@pytest.mark.parametrize("language", ["", "EN", "en.evil.example/", "en@evil", "../x", "e", "en\n"])
def test_a_language_can_not_name_a_host(language):
    with pytest.raises(ConfigError, match=r"wikipedia\.language"):
        Access(AGENT, language=language)


def test_the_host_follows_from_the_language():
    assert Access(AGENT, language="zh-yue").address == "https://zh-yue.wikipedia.org/w/api.php"


@pytest.mark.parametrize(
    "options",
    [{"deadline_s": 0.0}, {"deadline_s": float("nan")}, {"cool_down_s": -1.0}, {"mirror": "file:///etc/passwd"}],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=f"wikipedia.{next(iter(options))}"):
        Access(AGENT, **options)
