"""What every answer of an engine keeps, whatever was asked."""

from __future__ import annotations

import math

from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.protocols.engine import SamplingParams, TokenCompletion, TokenScore

__all__ = ["Refusing", "check_completion", "check_score"]


def check_completion(
    codec: TokenCodec, made: TokenCompletion, prompt_tokens: int, params: SamplingParams, window: int | None
) -> None:
    """Check one answer in itself: its length, its end, its text and its counts."""
    room = params.max_tokens if window is None else window - prompt_tokens
    most = min(params.max_tokens, room + 1)  # the last token of a window need not be read again
    assert len(made.ids) <= made.generated_tokens <= most, (
        f"{len(made.ids)} tokens kept of {made.generated_tokens} generated, where {most} are allowed"
    )
    assert made.finish_reason in ("stop", "length"), f"finish_reason is {made.finish_reason!r}"
    if made.finish_reason == "length":
        least = min(params.max_tokens, room)
        assert made.generated_tokens >= least, f"it ended by its length after {made.generated_tokens} of {least}"
    found = [stop for stop in params.stop if stop in made.text]
    assert not found, f"the stop string {found[0]!r} is in the text {made.text!r}"
    ends = codec.end_ids.intersection(made.ids)
    assert params.ignore_end or not ends, f"the end-of-text token {ends} is in the completion"
    told = codec.decode(made.ids).rstrip("\ufffd")
    assert made.text.startswith(told), f"the ids say {told!r}, the text {made.text!r}"
    assert made.prompt_tokens == prompt_tokens, f"{made.prompt_tokens} prompt tokens told, {prompt_tokens} asked"
    assert 0 <= made.cached_tokens < prompt_tokens, f"{made.cached_tokens} of {prompt_tokens} from the cache"
    through = made.cached_tokens + made.forwarded_tokens
    needed = prompt_tokens + made.generated_tokens - 1
    assert through >= needed, f"{through} tokens cached or forwarded, where {needed} are needed"
    assert made.seconds >= 0, f"it took {made.seconds} s"


def check_score(score: TokenScore, context: int, continuation: int, num_logprobs: int) -> None:
    """Check one score in itself; `context` and `continuation` are numbers of tokens."""
    assert len(score.logprobs) == num_logprobs, f"{len(score.logprobs)} log probabilities, wanted are {num_logprobs}"
    bad = [number for number in score.logprobs if not -math.inf < number <= 1e-6]
    assert not bad, f"{bad[0]} is no log probability"
    assert isinstance(score.is_greedy, bool), f"is_greedy is {score.is_greedy!r}"
    assert 0 <= score.cached_tokens <= context, f"{score.cached_tokens} of a context of {context} from the cache"
    through, needed = score.cached_tokens + score.forwarded_tokens, context + continuation - 1
    assert through >= needed, f"{through} tokens cached or forwarded, where {needed} are needed"


class Refusing:
    """A block that must raise; `pytest.raises`, with a message that says what was accepted."""

    def __init__(self, what: str, error: type[Exception]) -> None:
        self.what, self.error = what, error

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        assert kind is not None, f"the engine accepted {self.what}"
        if issubclass(kind, self.error):
            return True
        if issubclass(kind, Exception):
            raise AssertionError(f"{self.what} raised {kind.__name__}, not {self.error.__name__}") from error
        return False
