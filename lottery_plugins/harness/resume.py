"""Requests that the base model answers by itself, kept one by one as it finishes them.

lm-eval's models report each answer to their `cache_hook` as soon as they have it. We listen there, so that a run that
is stopped in the middle keeps what is done, and the model still sees one list of requests as lm-eval made it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lottery_plugins.engine.store import SampleStore
from lottery_plugins.limits import StopReason
from lottery_plugins.trajectory import Step, StepKind, Trajectory

__all__ = ["Measured", "PlainRun", "answer_plainly", "say_resumed", "say_resumed_steps"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What an engine measured of one answer; the base model reports nothing of the kind.

    Attributes:
        prompt_tokens: Tokens of the prompt; for a score, of context and continuation. None where nobody tells.
        cached_tokens: How many of them were not computed again.
        forwarded_tokens: Tokens sent through the model.
        completion_tokens: Tokens generated; 0 for a score. None where nobody tells.
        finish_reason: "stop" or "length"; "" for a score.
        seconds: Its share of the model's time.
    """

    prompt_tokens: int | None
    cached_tokens: int = 0
    forwarded_tokens: int | None = None
    completion_tokens: int | None = 0
    finish_reason: str = ""
    seconds: float = 0.0


class PlainRun:
    """One list of requests of one type.

    Args:
        request_type: lm-eval's method name.
        requests: The instances; repeats are the same object several times.
        count_tokens: Tokens of a text, or None.
        store: Where finished answers are kept; None keeps none.
    """

    def __init__(
        self,
        request_type: str,
        requests: Sequence[Any],
        count_tokens: Callable[[str], int | None],
        store: SampleStore | None,
    ) -> None:
        self.request_type = request_type
        self._count = count_tokens
        self._store = store
        self._since = time.perf_counter()
        self.requests = list(requests)
        self.keys, self.samples = _number(request_type, requests)
        self.trajectories: list[Trajectory | None] = [store.get(key) if store else None for key in self.keys]
        self._waiting: dict[str, list[int]] = {}
        for i in self.missing:
            self._waiting.setdefault(_signature(requests[i].args), []).append(i)

    @property
    def missing(self) -> list[int]:
        """Indexes of the requests without an answer."""
        return [i for i, trajectory in enumerate(self.trajectories) if trajectory is None]

    def add_partial(self, attr: str, req: Iterable[Any], res: Any) -> None:
        """Take one answer from the base model; lm-eval's name and signature of a cache hook's method."""
        waiting = self._waiting.get(_signature(tuple(req))) if attr == self.request_type else None
        if waiting:
            self.take(waiting.pop(0), res)

    def take_rest(self, indexes: Sequence[int], answers: Sequence[Any]) -> None:
        """Take the answers that were not reported one by one."""
        for i, answer in zip(indexes, answers, strict=True):
            if self.trajectories[i] is None:
                self.take(i, answer)

    def answers(self) -> list[Any]:
        """All answers in the order of the requests, as the base model gave them."""
        return [self._decoded(t.answer) for t in self.trajectories if t is not None]

    def take(self, i: int, answer: Any, measured: Measured | None = None) -> Trajectory:
        """Keep the answer of one request; on disk when this returns."""
        request = self.requests[i]
        now = time.perf_counter()
        seconds, self._since = now - self._since, now
        if measured is not None:
            seconds = measured.seconds
        trajectory = Trajectory(
            task=str(request.task_name),
            doc_id=int(request.doc_id or 0),
            sample=self.samples[i],
            answer=answer if isinstance(answer, str) else json.dumps(answer),
            stop_reason=StopReason.ANSWERED,
            steps=(self._step(request, answer, seconds, measured),),
            seconds=seconds,
        )
        self.trajectories[i] = trajectory
        if self._store:
            self._store.put(self.keys[i], trajectory)
        return trajectory

    def _step(self, request: Any, answer: Any, seconds: float, measured: Measured | None) -> Step:
        prompt = str(getattr(request.args[0], "prompt", request.args[0]))
        is_generation = self.request_type == "generate_until"
        kind: StepKind = "generate" if is_generation else "score"
        output = answer if is_generation else "".join(str(a) for a in request.args[1:])
        step = Step(
            kind=kind,
            purpose="answer" if is_generation else self.request_type,
            prompt=prompt,
            output=output,
            seconds=seconds,
        )
        if measured is None:
            completion_tokens = self._count(answer) if is_generation else 0
            return replace(step, prompt_tokens=self._count(prompt), completion_tokens=completion_tokens)
        return replace(
            step,
            prompt_tokens=measured.prompt_tokens,
            cached_tokens=measured.cached_tokens,
            forwarded_tokens=measured.forwarded_tokens,
            completion_tokens=measured.completion_tokens,
            finish_reason=measured.finish_reason,
        )

    def _decoded(self, answer: str) -> Any:
        if self.request_type == "generate_until":
            return answer
        value = json.loads(answer)
        return (value[0], value[1]) if isinstance(value, list) else value


class _Listener:
    """Stands where lm-eval's cache hook stood and hands everything on to it."""

    def __init__(self, run: PlainRun, hook: Any) -> None:
        self._run, self._hook = run, hook

    def add_partial(self, attr: str, req: Any, res: Any) -> None:
        self._run.add_partial(attr, req, res)
        self._hook.add_partial(attr, req, res)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hook, name)


def answer_plainly(run: PlainRun, base: Any, call: Callable[[list[Any]], Sequence[Any]]) -> list[Any]:
    """Let the base model answer what is missing of a run, keeping each answer as it comes."""
    missing = run.missing
    if missing:
        hook = base.cache_hook
        base.cache_hook = _Listener(run, hook)
        try:
            run.take_rest(missing, call([run.requests[i] for i in missing]))
        finally:
            base.cache_hook = hook
    return run.answers()


def say_resumed(store: SampleStore | None, num_done: int, num_all: int) -> None:
    """Tell that samples are taken from an earlier run of the same command."""
    if num_done and store is not None:
        logger.warning(
            "%d of %d samples were finished by an earlier run of this command and are taken from %s.",
            num_done,
            num_all,
            store.path,
        )


def say_resumed_steps(store: SampleStore) -> None:
    """Tell that steps of unfinished samples are taken from an earlier run of the same command."""
    if num_kept := store.count_completions():
        logger.warning("%d completions of unfinished samples are taken from %s.", num_kept, store.path)


def _signature(args: Sequence[Any]) -> str:
    return json.dumps(list(args), default=str, ensure_ascii=False, sort_keys=True)


def _number(request_type: str, requests: Sequence[Any]) -> tuple[list[str], list[int]]:
    """A key for each request and its number among equal ones."""
    seen: dict[str, int] = {}
    keys, samples = [], []
    for request in requests:
        text = _signature([request_type, request.task_name, request.doc_id, request.idx, *request.args])
        samples.append(seen.get(text, 0))
        seen[text] = samples[-1] + 1
        keys.append(hashlib.sha256(f"{text} {samples[-1]}".encode()).hexdigest())
    return keys, samples
