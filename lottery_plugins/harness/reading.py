"""A model loaded for nothing but its hidden states: what `lottery train-verifier` reads features with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval.utils import simple_parse_args_string

from lottery_plugins.config import OUR_ARGUMENTS
from lottery_plugins.errors import ConfigError
from lottery_plugins.harness.event_loop import run_to_end
from lottery_plugins.harness.model import LotteryLM
from lottery_plugins.messages import Message
from lottery_plugins.protocols.backend import HiddenState, ReadsHiddenStates

__all__ = ["FeatureModel", "model_arguments_of", "parse_model_args"]

_OF_THE_MODEL = ("base", "compression")
_OF_THE_COMMAND_LINE = ("max_batch_size",)


def model_arguments_of(model: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Of a run's model arguments, those that make its model: not the engine, and nothing that augments it.

    Args:
        model: lm-eval's name of the model that made the run.
        arguments: Its arguments, as the results file has them.
    """
    ours = set(OUR_ARGUMENTS) - set(_OF_THE_MODEL)
    kept = {name: value for name, value in arguments.items() if name not in ours | set(_OF_THE_COMMAND_LINE)}
    return kept if model in ("lottery", "hf") else {**kept, "base": model}


def parse_model_args(text: str) -> dict[str, Any]:
    """Model arguments as lm-eval's command line reads them.

    Raises:
        ConfigError: They are no name=value pairs.
    """
    if any(part and "=" not in part for part in text.split(",")):
        raise ConfigError("--model-args", text, "name=value pairs joined by commas")
    return dict(simple_parse_args_string(text))


class FeatureModel:
    """Hidden states of one model.

    Args:
        arguments: Model arguments as of `--model_args`; what augments a model has no part in it.

    Attributes:
        name: The arguments as text.

    Raises:
        LotteryError: The model can't be had, or is not in this process.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._lm = LotteryLM(**{**arguments, "engine": "rounds", "resume": False})
        self.name = ",".join(f"{name}={value}" for name, value in sorted(arguments.items()))
        self._readers: dict[bool, ReadsHiddenStates] = {}
        for is_chat in (False, True):
            reader = self._lm.engine.hidden_states(is_chat)
            if reader is None:
                allowed = "a causal model in this process"
                raise ConfigError("--model", self.name, allowed, "Use a checkpoint that base=hf loads.")
            self._readers[is_chat] = reader

    def read(self, messages: Sequence[Message], *, is_chat: bool) -> HiddenState:
        """The hidden state at the end of some messages."""
        return run_to_end(self._features(messages, is_chat))

    async def _features(self, messages: Sequence[Message], is_chat: bool) -> HiddenState:
        return await self._readers[is_chat].features(messages)

    @property
    def model_hash(self) -> str:
        """Of the model's configuration and a sample of its weights."""
        from lottery_plugins.backends.hidden_states import model_hash

        return model_hash(self._lm.base.model)
