"""Generation settings between lm-eval and an engine of ours: what the model brings, and what only `generate` knows.

lm-eval's `hf` calls transformers' `generate`, which reads the model's `generation_config.json` and takes many more
settings than an engine of ours. What an engine does not know is refused, never ignored: it would change answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lottery_plugins.engine.conversations import sampling_params
from lottery_plugins.errors import ConfigError
from lottery_plugins.generation import GenerationConfig
from lottery_plugins.harness.truncation import without_truncation

__all__ = ["DEFAULT_MAX_TOKENS", "SamplingDefaults", "check_extra", "check_model_settings", "default_max_tokens"]

DEFAULT_MAX_TOKENS = 256
"""lm-eval's own default where a model declares none."""

_TOP_K = 50  # what transformers' `generate` samples from where neither the task nor the model says anything

_WITHOUT_EFFECT: Mapping[str, tuple[object, ...]] = {
    "bad_words_ids": (),
    "begin_suppress_tokens": (),
    "constraints": (),
    "early_stopping": (False,),
    "encoder_no_repeat_ngram_size": (0,),
    "encoder_repetition_penalty": (1,),
    "epsilon_cutoff": (0,),
    "eta_cutoff": (0,),
    "exponential_decay_length_penalty": (),
    "forced_bos_token_id": (),
    "forced_eos_token_id": (),
    "guidance_scale": (1,),
    "length_penalty": (1,),
    "min_length": (0,),
    "min_new_tokens": (0,),
    "min_p": (0,),
    "no_repeat_ngram_size": (0,),
    "num_beam_groups": (1,),
    "num_beams": (1,),
    "num_return_sequences": (1,),
    "penalty_alpha": (0,),
    "remove_invalid_values": (False,),
    "renormalize_logits": (False,),
    "repetition_penalty": (1,),
    "sequence_bias": (),
    "suppress_tokens": (),
    "top_h": (),
    "typical_p": (1,),
    "use_cache": (True,),
    "watermarking_config": (),
}
"""Settings of `generate` that an engine of ours does not know, and the values, beside None, that change nothing."""


def default_max_tokens(base: Any) -> int:
    """Most tokens of a completion whose task says nothing, as the lm-eval model declares it."""
    return int(getattr(base, "max_gen_toks", DEFAULT_MAX_TOKENS))


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """What the model's own settings say where a request that samples says nothing.

    Attributes:
        top_k: Candidates kept; None: all.
        top_p: Nucleus mass; None: 1.
    """

    top_k: int | None = None
    top_p: float | None = None

    @classmethod
    def of(cls, model: Any) -> SamplingDefaults:
        """Those of a transformers model; none for any other."""
        settings = getattr(model, "generation_config", None)
        if settings is None:
            return cls()
        top_k = getattr(settings, "top_k", None)
        return cls(top_k=_TOP_K if top_k is None else top_k, top_p=getattr(settings, "top_p", None))

    def fill(self, config: GenerationConfig) -> GenerationConfig:
        """The settings with these defaults put in; top_k=0, transformers' word for all, becomes None.

        "truncation" is left out: whoever cuts prompts has read it before.
        """
        config = without_truncation(config)
        if not config.do_sample:
            return config.with_changes(top_k=None, top_p=None)
        top_k = self.top_k if config.top_k is None else config.top_k
        top_p = self.top_p if config.top_p is None else config.top_p
        return config.with_changes(top_k=top_k or None, top_p=top_p)


def check_extra(config: GenerationConfig, where: str) -> None:
    """Refuse `gen_kwargs` that an engine of ours would ignore; "truncation" is read by us.

    Raises:
        ConfigError: Naming them and where they stand.
    """
    try:
        sampling_params(SamplingDefaults().fill(config))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.where}", error.got, error.allowed, error.hint) from None


def check_model_settings(model: Any, where: str) -> None:
    """Refuse a model whose own `generation_config.json` asks for what only transformers' `generate` does.

    Raises:
        ConfigError: Naming the first such setting.
    """
    settings = getattr(model, "generation_config", None)
    for name, harmless in _WITHOUT_EFFECT.items():
        value = getattr(settings, name, None)
        if name != "use_cache" and value is not None and value not in harmless and value != [] and value != {}:
            raise ConfigError(
                where,
                f"a model whose generation_config.json sets {name}={value!r}",
                "a model without it",
                "engine=rounds serves it through transformers' generate.",
            )
