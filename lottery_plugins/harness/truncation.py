"""Cutting a reasoner's prompts that do not fit the model's window, where the task or the run asks for it."""

from __future__ import annotations

import logging
from dataclasses import replace

from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.errors import ConfigError
from lottery_plugins.generation import Completion, GenerationConfig, GenerationRequest
from lottery_plugins.harness.offers import offer_of
from lottery_plugins.protocols.backend import TextEngine

__all__ = ["CuttingFront", "truncation_of", "without_truncation"]

logger = logging.getLogger(__name__)


def truncation_of(task: str, in_kwargs: object, of_run: str) -> str:
    """What to do with a task's prompts that do not fit: "left" or "none".

    The task's generation_kwargs come first, then its metadata.lottery, then the run.

    Raises:
        ConfigError: The task says something else.
    """
    said = {
        "generation_kwargs.truncation": in_kwargs,
        "metadata.lottery.truncation": offer_of(task).get("truncation"),
    }
    for name, value in said.items():
        if value not in (None, "left", "none"):
            raise ConfigError(f"task {task}: {name}", value, "left or none")
    return str(next((value for value in said.values() if value is not None), of_run))


def without_truncation(config: GenerationConfig) -> GenerationConfig:
    """The settings without this one, which engines do not know."""
    return config.with_changes(extra=tuple(pair for pair in config.extra if pair[0] != "truncation"))


class CuttingFront:
    """A `TextEngine` before another one: drops the first tokens of prompts that do not fit, as lm-eval's `hf` does.

    Only requests whose settings say truncation="left" are looked at; the others go on as they are, and the engine
    refuses those that do not fit.

    Args:
        front: Answers.
        codec: Of the model.
        max_length: Of the model's window.
    """

    def __init__(self, front: TextEngine, codec: TokenCodec, max_length: int) -> None:
        self._front, self._codec, self._max_length = front, codec, max_length
        self._has_warned = False

    async def generate(self, request: GenerationRequest) -> Completion:
        """The completion of one request."""
        return await self._front.generate(self._fitting(request))

    def note(self, request: GenerationRequest, completion: Completion) -> None:
        """Take a completion that was made earlier."""
        told = getattr(self._front, "note", None)
        if told is not None:
            told(self._fitting(request), completion)

    def count_tokens(self, text: str) -> int | None:
        """Number of tokens of a text."""
        return self._front.count_tokens(text)

    def release(self, trajectory: int) -> None:
        """A trajectory has ended."""
        self._front.release(trajectory)

    def _fitting(self, request: GenerationRequest) -> GenerationRequest:
        cuts = dict(request.config.extra).get("truncation") == "left"
        plain = replace(request, config=without_truncation(request.config))
        room = self._max_length - request.config.max_tokens
        if not cuts or room < 1:
            return plain
        text = self._codec.render(request.messages) if request.text is None else request.text
        ids = self._codec.encode(text)
        if len(ids) <= room:
            return replace(plain, text=text)
        if not self._has_warned:
            self._has_warned = True
            logger.warning("Prompts that do not fit the model's window lose their first tokens, as asked for.")
        return replace(plain, text=self._end(ids, room))

    def _end(self, ids: list[int], room: int) -> str:
        """The text of the last tokens, so many that its own tokens fit: special ones that `decode` drops are put in."""
        special = {id_: text for text, id_ in self._codec.special_ids.items()}
        for start in range(len(ids) - room, len(ids)):
            text = ""
            run: list[int] = []
            for id_ in ids[start:]:
                if id_ in special:
                    text, run = text + self._codec.decode(run) + special[id_], []
                else:
                    run.append(id_)
            text += self._codec.decode(run)
            if len(self._codec.encode(text)) <= room:
                return text
        return ""
