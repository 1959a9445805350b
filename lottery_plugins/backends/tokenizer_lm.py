"""The tokens of lm-eval's `hf` model without the model: for engines that run it elsewhere."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import transformers
from lm_eval.models.huggingface import HFLM

from lottery_plugins.errors import ConfigError, DataError

__all__ = ["TokenizerLM"]


class TokenizerLM(HFLM):  # type: ignore[misc]
    """An `HFLM` that has a tokenizer, a configuration and no weights. Its own methods encode, decode and render.

    What stands on an engine asks it for tokens only; asking it for an answer is an error.

    Args:
        pretrained: The checkpoint; its tokenizer, configuration and generation settings are read.
        tokenizer: Another checkpoint whose tokenizer is used.
        revision: Of the checkpoint.
        trust_remote_code: Run Python code that comes with the checkpoint.
        max_length: The window; None: the configuration's.
        add_bos_token: As of lm-eval's `hf`.
        prefix_token_id: As of lm-eval's `hf`.

    Raises:
        DataError: There is no such checkpoint, or it has no tokenizer.
    """

    def __init__(
        self,
        pretrained: str,
        *,
        tokenizer: str | None = None,
        revision: str = "main",
        trust_remote_code: bool = False,
        max_length: int | None = None,
        add_bos_token: bool | None = None,
        prefix_token_id: int | None = None,
    ) -> None:
        given: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
        try:
            config = transformers.AutoConfig.from_pretrained(pretrained, **given)
            self._create_tokenizer(
                pretrained, tokenizer, revision=revision, trust_remote_code=trust_remote_code,
                add_bos_token=add_bos_token,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            raise DataError(
                f"checkpoint {pretrained!r}", f"can't be read: {error}", "Name a folder or a model."
            ) from error
        self._model = SimpleNamespace(config=config, generation_config=_settings(pretrained, config, given))
        self._config = config
        self.backend = "causal"
        self.pretrained, self.revision = pretrained, revision
        self.add_bos_token = add_bos_token
        self.custom_prefix_token_id = prefix_token_id
        self.chat_template_args: dict[str, Any] = {}
        self.batch_size_per_gpu = 1
        self._max_length = max_length
        self._rank, self._world_size = 0, 1

    def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
        """Not here."""
        raise self._refusal("generate_until")

    def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """Not here."""
        raise self._refusal("loglikelihood")

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        """Not here."""
        raise self._refusal("loglikelihood_rolling")

    def _refusal(self, method: str) -> ConfigError:
        return ConfigError("base model", f"{method} of a tokenizer", "an engine that answers it", "Use another engine.")


def _settings(pretrained: str, config: Any, given: dict[str, Any]) -> Any:
    """The checkpoint's generation settings, which name the tokens that end a text."""
    try:
        return transformers.GenerationConfig.from_pretrained(pretrained, **given)
    except OSError:
        return transformers.GenerationConfig.from_model_config(config)
