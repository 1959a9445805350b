"""What every verifier keeps.

from lottery_plugins.testing.contracts.verifier import check_verifier

def test_contract():
    check_verifier(MyVerifier)
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.limits import BudgetExceededError, Limits
from lottery_plugins.messages import Message, plain_text
from lottery_plugins.protocols.backend import HiddenState
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.protocols.verifier import Judgement, Verifier
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.reasoner import model_texts
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities

__all__ = ["check_verifier"]

_MOST_ACTS = 500
"""Acts on one answer, granted or refused, beyond which a verifier is taken for one that never ends."""

_TOOLS = (
    FakeTool("python", "code", lambda code: code[-20:]),
    FakeTool("calculator", "expression", lambda expression: expression[:20]),
)


def check_verifier(verifier_class: type, *, options: Mapping[str, Any] | None = None, num_features: int = 8) -> None:
    """Assert that a verifier keeps the contract, whatever answer it is shown and whatever a model writes about it.

    - It is a plugin: a frozen dataclass with name, summary and readable options.
    - It gives a judgement with a score in [0, 1], a plain bool and a reason, or ends by the problem's budget, which it
      neither hides nor fights; for chats and plain prompts, with and without tools and earlier steps.
    - The same answer, steps and model output give the same judgement; what it generates is recorded.

    Args:
        verifier_class: The plugin class.
        options: Values for options without a default.
        num_features: Dimensions of the hidden states that the run tells.
    """
    chosen = dict(options or {})
    check_plugin(verifier_class, **chosen)
    verifier: Verifier = verifier_class(**chosen)
    assert isinstance(verifier, Verifier), f"{verifier_class.__name__} lacks a member of protocols.verifier.Verifier"
    assert inspect.iscoroutinefunction(verifier.verify), "verify is no coroutine function; write async def"
    scenes = st.builds(
        _Scene,
        answer=model_texts(),
        replies=st.lists(model_texts(), min_size=1, max_size=4),
        programs=st.lists(model_texts(), max_size=3),
        is_chat=st.booleans(),
        has_tools=st.booleans(),
        limits=st.builds(
            Limits,
            max_calls=st.integers(1, 8),
            max_tool_calls=st.integers(0, 6),
            max_new_tokens=st.integers(1, 200),
        ),
    )

    @settings(deadline=None)  # tools run in threads: how long one example takes says nothing
    @given(scene=scenes)
    def judges_any_answer(scene: _Scene) -> None:
        first = _judge(verifier, scene, num_features)
        assert first.num_recorded == first.num_made, (
            f"{first.num_made} completions were made and {first.num_recorded} recorded"
        )
        assert not (first.was_refused and first.judgement), "a spent budget was hidden; let BudgetExceededError pass"
        if first.judgement is not None:
            _check_judgement(first.judgement)
        again = _judge(verifier, scene, num_features)
        assert again.judgement == first.judgement, "the same answer was judged differently"

    judges_any_answer()


@dataclass(frozen=True)
class _Scene:
    """An answer and everything around it.

    Attributes:
        answer: What is judged.
        replies: What the model writes, chosen by the prompt.
        programs: Arguments of tool calls that came before.
        is_chat: Of the problem.
        has_tools: Whether the run has `python` and `calculator`.
        limits: Of the problem.
    """

    answer: str
    replies: list[str]
    programs: list[str]
    is_chat: bool
    has_tools: bool
    limits: Limits


@dataclass(frozen=True)
class _Outcome:
    """What came of judging; the judgement is None when the budget ended it."""

    judgement: Judgement | None
    num_recorded: int
    num_made: int
    was_refused: bool


def _check_judgement(judgement: object) -> None:
    assert isinstance(judgement, Judgement), f"verify() gave {type(judgement).__name__}, wanted is Judgement"
    score = judgement.score
    assert isinstance(score, int | float), f"score {score!r} is no number"
    assert 0 <= score <= 1, f"score {score!r} is outside [0, 1]"
    assert isinstance(judgement.accepted, bool), f"accepted {judgement.accepted!r} is no bool"
    assert isinstance(judgement.reason, str), f"reason {judgement.reason!r} is no text"


def _judge(verifier: Verifier, scene: _Scene, num_features: int) -> _Outcome:
    replies = scene.replies
    backend = ScriptedBackend(lambda prompt: replies[len(prompt) % len(replies)])

    async def features(messages: Sequence[Message]) -> HiddenState:
        text = plain_text(messages)
        values = tuple(len(text) % (7 + i) / (7 + i) - 0.5 for i in range(num_features))
        return HiddenState(values, len(text.split()))

    problem = fake_problem(is_chat=scene.is_chat)
    tools = _TOOLS if scene.has_tools else ()
    run = scripted_facilities(backend, tools=tools, limits=scene.limits, features=features, verifier=verifier)
    services = ProblemServices(problem, run)
    watched = _WatchedServices(services)

    async def judge() -> Judgement | None:
        try:
            for program in scene.programs if scene.has_tools else ():
                await services.call_tool("python", {"code": program})
            return await verifier.verify(problem, scene.answer, cast("Services", watched))
        except BudgetExceededError:
            return None
        finally:
            await services.close()

    judgement = asyncio.run(judge())
    recorded = sum(step.kind == "generate" for step in services.steps)
    return _Outcome(judgement, recorded, len(backend.prompts), watched.was_refused)


class _EndlessError(BaseException):
    """Raised in the services of a verifier that never ends; no `except Exception` of its own holds it up."""


class _WatchedServices:
    """Services that count what is asked of them, and notice when the budget says no."""

    def __init__(self, services: ProblemServices) -> None:
        self._services = services
        self._acts = 0
        self.was_refused = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._services, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def act(*args: Any, **kwargs: Any) -> Any:
            self._acts += 1
            if self._acts > _MOST_ACTS:
                raise _EndlessError(f"more than {_MOST_ACTS} acts on one answer")
            try:
                return await found(*args, **kwargs)
            except BudgetExceededError:
                self.was_refused = True
                raise

        return act
