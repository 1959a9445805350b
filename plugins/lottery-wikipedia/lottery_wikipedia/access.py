"""Who asks which Wikipedia, within which time: the options that the tools and the retriever share."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.protocols.plugin import option

__all__ = ["USER_AGENT_VARIABLE", "Access"]

USER_AGENT_VARIABLE = "LOTTERY_WIKIPEDIA_USER_AGENT"
"""Environment variable with the user agent, so that an address stands in no results file."""

_POLICY = "https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_User-Agent_Policy"
_LANGUAGE = re.compile(r"[a-z]{2,12}(-[a-z]{2,12}){0,3}", re.ASCII)
_AGENT = re.compile(r"[\x20-\x7e]*(@|https?://)[\x20-\x7e]*")  # with a way to reach who asks, and no line break


@dataclass(frozen=True)
class Access:
    """How to reach Wikipedia. The host follows from the language, or is the user's `mirror`; no model chooses it.

    With `record`, every response is written to a file, and what the file has already is answered from it. With
    `replay`, the file answers everything and no network is used.

    Raises:
        ConfigError: If an option is out of range, or nobody says who asks.
        DataError: If the snapshot to replay is not there.
    """

    name: ClassVar[str] = "wikipedia"
    requires: ClassVar[tuple[tuple[str, str], ...]] = (
        ("wikipediaapi", "pip install 'wikipedia-api>=0.16,<0.17'"),
        ("httpx", "pip install httpx"),
        ("filelock", "pip install filelock"),
    )

    user_agent: str = option("", f"who asks, with a mail or web address; else {USER_AGENT_VARIABLE} is read")
    language: str = option("en", "language of the Wikipedia", allowed="a code such as en, de, simple, zh-yue")
    deadline_s: float = option(15.0, "most time for one request and its repeats", unit="s", allowed="(0, 600]")
    cool_down_s: float = option(30.0, "first time without requests after a failure", unit="s", allowed="(0, 3600]")
    record: str = option("", "file that responses are recorded to")
    replay: str = option("", "recorded file that answers in place of the network")
    mirror: str = option("", "address of another MediaWiki API, such as http://localhost:8080/w/api.php")

    def __post_init__(self) -> None:
        if not _LANGUAGE.fullmatch(self.language):
            raise ConfigError("wikipedia.language", self.language, "a language code such as en, de, simple, zh-yue")
        for field, most in (("deadline_s", 600), ("cool_down_s", 3600)):
            if not 0 < getattr(self, field) <= most:
                raise ConfigError(f"wikipedia.{field}", getattr(self, field), f"a number of seconds in (0, {most}]")
        if self.record and self.replay:
            raise ConfigError("wikipedia.record", self.record, "none beside replay", "A replay asks nobody.")
        if self.mirror and (
            urlsplit(self.mirror).scheme not in ("http", "https") or not urlsplit(self.mirror).hostname
        ):
            raise ConfigError("wikipedia.mirror", self.mirror, "an http or https address of a file api.php")
        self._check_files()
        if not self.replay:
            self._check_agent()

    def _check_files(self) -> None:
        if self.replay and not Path(self.replay).expanduser().is_file():
            raise DataError(f"wikipedia.replay={self.replay}", "is not a file", "Make one with record=PATH.")
        if self.record and not Path(self.record).expanduser().parent.is_dir():
            raise DataError(f"wikipedia.record={self.record}", "is in a folder that does not exist", "Make it first.")

    def _check_agent(self) -> None:
        if not _AGENT.fullmatch(self.agent):
            raise ConfigError(
                "wikipedia.user_agent",
                self.agent,
                "a text with a mail or web address, in ASCII, such as 'my-study/1.0 (me@example.org)'",
                f"Wikimedia asks every program who runs it, and blocks those that do not say: {_POLICY}. "
                f"Set it once: export {USER_AGENT_VARIABLE}='my-study/1.0 (me@example.org)'.",
            )

    @property
    def agent(self) -> str:
        """The user agent as it is sent."""
        return self.user_agent or os.environ.get(USER_AGENT_VARIABLE, "")

    @property
    def address(self) -> str:
        """Of the API that is asked."""
        return self.mirror or f"https://{self.language}.wikipedia.org/w/api.php"

    def plain(self) -> Access:
        """These options alone, without those of a subclass: tools and retriever so share what they open."""
        return Access(**{field.name: getattr(self, field.name) for field in fields(Access)})
