"""What every verifier keeps.

from lottery_plugins.testing.contracts.verifier import check_verifier

def test_contract():
check_verifier(MyVerifier)
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.limits import BudgetExceededError, Limits
from lottery_plugins.protocols.verifier import Judgement, Verifier
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.contracts.plugin import check_plugin
from lottery_plugins.testing.contracts.reasoner import model_texts
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem, scripted_facilities

__all__ = ["check_verifier"]

_BUDGET = Limits(max_calls=8, max_new_tokens=200)


def check_verifier(verifier_class: type, *, options: Mapping[str, Any] | None = None) -> None:
    """Assert that a verifier keeps the contract, whatever answer it is shown and whatever a model writes about it.

    - It is a plugin: a frozen dataclass with name, summary and readable options.
    - It gives a judgement with a score in [0, 1], a plain bool and a reason, or ends by the problem's budget.
    - The same answer and the same model output give the same judgement; what it generates is recorded.

    Args:
        verifier_class: The plugin class.
        options: Values for options without a default.
    """
    chosen = dict(options or {})
    check_plugin(verifier_class, **chosen)
    verifier: Verifier = verifier_class(**chosen)

    @settings(deadline=None)
    @given(answer=model_texts(), replies=st.lists(model_texts(), min_size=1, max_size=4))
    def judges_any_answer(answer: str, replies: list[str]) -> None:
        first, num_recorded, num_made = _judge(verifier, answer, replies)
        assert num_recorded == num_made, f"{num_made} completions were made and {num_recorded} recorded"
        if first is None:
            return
        assert isinstance(first, Judgement), f"verify() gave {type(first).__name__}, wanted is Judgement"
        assert isinstance(first.score, int | float), f"score {first.score!r} is no number"
        assert 0 <= first.score <= 1, f"score {first.score!r} is outside [0, 1]"
        assert isinstance(first.accepted, bool), f"accepted {first.accepted!r} is no bool"
        assert isinstance(first.reason, str), f"reason {first.reason!r} is no text"
        assert _judge(verifier, answer, replies)[0] == first, "the same answer was judged differently"

    judges_any_answer()


def _judge(verifier: Verifier, answer: str, replies: list[str]) -> tuple[Judgement | None, int, int]:
    """The judgement (None when the budget ended it), and how many completions were recorded and made."""
    backend = ScriptedBackend(lambda prompt: replies[len(prompt) % len(replies)])
    services = ProblemServices(fake_problem(), scripted_facilities(backend, limits=_BUDGET, verifier=verifier))

    async def judge() -> Judgement | None:
        try:
            return await services.verify(answer)
        except BudgetExceededError:
            return None
        finally:
            await services.close()

    judgement = asyncio.run(judge())
    recorded = sum(step.kind == "generate" for step in services.steps)
    return judgement, recorded, len(backend.prompts)
