"""What a user is told when a model, or the memory, gives out."""

from __future__ import annotations

from lottery_plugins.errors import BackendError, DataError, LotteryError, RunEndedError

__all__ = ["cache_too_small", "gave_nan", "no_memory", "step_failed", "too_long"]


def cache_too_small(needed: int, free: int, total: int) -> DataError:
    """One request needs more positions of the cache than can be made free."""
    return DataError(
        "The key-value cache",
        f"has {total} positions, {free} of them free, and one request needs {needed}",
        "Raise kv_cache_gb, or lower max_live where many compressed caches are kept at once.",
    )


def too_long(num_prompt: int, window: int) -> DataError:
    """A prompt that leaves no room for a token."""
    return DataError(
        f"A prompt of {num_prompt} tokens",
        f"does not fit the model's window of {window}",
        "Shorten it, take a model with a longer window, or let the task cut it: metadata.lottery.truncation: left.",
    )


def gave_nan(position: int, num_ids: int) -> RunEndedError:
    """The model gave NaN."""
    return RunEndedError(
        f"The model gave NaN at position {position} of a text of {num_ids} tokens, so nothing that it says can be "
        "scored. Check its weights, the compression method and the data type; finished samples are kept for the same "
        "command."
    )


def step_failed(error: Exception) -> LotteryError:
    """A forward pass raised something that is not about memory."""
    if isinstance(error, LotteryError):
        return error
    hint = "engine=rounds runs the same model without this engine."
    return BackendError("packed engine", f"a step failed with {type(error).__name__}: {error}", hint)


def no_memory() -> RunEndedError:
    """Not even one token fits."""
    return RunEndedError(
        "There is no memory left for a step of a single token. Lower kv_cache_gb or take a smaller model; finished "
        "samples are kept for the same command."
    )
