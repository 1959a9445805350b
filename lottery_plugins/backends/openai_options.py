"""Options of `engine=openai`. Reading them connects to nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from lottery_plugins.errors import ConfigError
from lottery_plugins.protocols.plugin import option

__all__ = ["OpenAIOptions"]


@dataclass(frozen=True, kw_only=True)
class OpenAIOptions:
    """Options of `engine=openai`."""

    name: ClassVar[str] = "openai"
    summary: ClassVar[str] = "Asks a server that speaks OpenAI's protocol."
    requires: ClassVar[tuple[tuple[str, str], ...]] = (("httpx", "pip install httpx"),)

    base_url: str = option(help="address of the server up to /v1, such as http://localhost:8000/v1")
    model: str = option(help="name of the model on the server")
    api: str = option("chat", "where requests go", allowed="chat or completions")
    api_key_env: str = option("OPENAI_API_KEY", "environment variable that holds the key")
    max_concurrent: int = option(32, "most requests under way", unit="requests", allowed="at least 1")
    timeout_s: float = option(600.0, "longest time of a request, repetitions included", unit="s", allowed="above 0")
    max_retries: int = option(8, "most repetitions of a request", allowed="at least 0")
    continues_assistant: bool = option(False, "the server takes continue_final_message, as vLLM and SGLang do")
    takes_top_k: bool = option(False, "the server takes top_k, as vLLM, SGLang and llama.cpp do")
    scoring: bool = option(False, "the server's /completions takes echo together with logprobs, as vLLM's does")
    max_tokens_name: str = option("max_tokens", "the limit's name", allowed="max_tokens or max_completion_tokens")

    def __post_init__(self) -> None:
        where, url = "engine: openai", urlsplit(self.base_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ConfigError(f"{where}.base_url", self.base_url, "an address like http://localhost:8000/v1")
        if url.username or url.password or url.query:
            raise ConfigError(f"{where}.base_url", url.hostname, "an address without a password or a query",
                              "Put the key into the variable that api_key_env names.")  # fmt: skip
        if self.api not in ("chat", "completions"):
            raise ConfigError(f"{where}.api", self.api, "chat or completions")
        if self.max_tokens_name not in ("max_tokens", "max_completion_tokens"):
            raise ConfigError(f"{where}.max_tokens_name", self.max_tokens_name, "max_tokens or max_completion_tokens")
        if self.max_concurrent < 1:
            raise ConfigError(f"{where}.max_concurrent", self.max_concurrent, "at least 1")
        if self.max_retries < 0:
            raise ConfigError(f"{where}.max_retries", self.max_retries, "at least 0", "0 never asks again.")
        if not 0 < self.timeout_s < math.inf:
            raise ConfigError(f"{where}.timeout_s", self.timeout_s, "a number of seconds above 0")
