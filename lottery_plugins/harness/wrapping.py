"""What every lm-eval model that wraps another one hands on to it."""

from __future__ import annotations

from typing import Any

from lm_eval.api.model import LM

__all__ = ["WrappingLM"]


class WrappingLM(LM):  # type: ignore[misc]
    """An lm-eval model around another one, `base`, which answers whatever this class's heirs do not.

    Attributes:
        base: The wrapped model.
    """

    base: Any

    @property
    def rank(self) -> int:
        """The base model's."""
        return int(self.base.rank)

    @property
    def world_size(self) -> int:
        """The base model's."""
        return int(self.base.world_size)

    @property
    def device(self) -> Any:
        """The base model's."""
        return self.base.device

    def all_gather(self, tensor: Any) -> Any:
        """The base model's."""
        return self.base.all_gather(tensor)

    def gather_object(self, obj: Any, dst: int = 0) -> Any:
        """The base model's."""
        return self.base.gather_object(obj, dst)

    def barrier(self) -> None:
        """The base model's."""
        self.base.barrier()

    def __getattr__(self, name: str) -> Any:
        """Everything else that lm-eval looks up on a model (tokenizer, max_length, batch_sizes) is the base model's."""
        if name == "base" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.base, name)
