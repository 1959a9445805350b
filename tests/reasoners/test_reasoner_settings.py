"""Named reasoners are settings of divide-and-conquer: the same transcript, whatever a model writes."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_runs import BRIDGE

from lottery_plugins.documents import Document
from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.memory import Scratchpad
from lottery_plugins.messages import Message
from lottery_plugins.protocols.verifier import Judgement
from lottery_plugins.reasoners import (
    ChainOfThought,
    Direct,
    DivideAndConquer,
    ProgramAided,
    RetrieveThenRead,
    TreeOfThoughts,
)
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.contracts.reasoner import model_texts
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities

CONTEXT = "The Lumen Bridge is 211 m long. Nothing else is known."
BEGUN = (Message("user", "How long is the {Lumen} Bridge?"), Message("assistant", "It is"))
PROBLEMS = (
    fake_problem(),
    fake_problem(is_chat=True),
    fake_problem("How long is the Lumen Bridge?", context=CONTEXT, is_chat=True),
    fake_problem("How long is the {Lumen} Bridge?", messages=BEGUN, is_chat=True, sample=1),
)
TOOLS = (
    FakeTool("python", "code", lambda code: code[-20:]),
    FakeTool("calculator", "expression", lambda text: text[:20]),
)
DOCUMENTS = (BRIDGE, Document("b", "what is 2 + 3? nobody knows"))

PLAIN = {"external": "never", "divide": "never", "verify": False}
TREE = {"external": "never", "divide": "thoughts", "retries": 0, "remember": False}
PAIRS = {
    "direct": (Direct(), DivideAndConquer(**PLAIN)),
    "chain-of-thought": (ChainOfThought(), DivideAndConquer(**PLAIN, leaf="chain-of-thought")),
    "retrieve-then-read": (RetrieveThenRead(), DivideAndConquer(**PLAIN | {"external": "search"})),
    "retrieve-then-read as a leaf": (RetrieveThenRead(), DivideAndConquer(**PLAIN, leaf="retrieve-then-read")),
    "program-aided": (ProgramAided(), DivideAndConquer(**PLAIN | {"external": "program"})),
    "program-aided as a leaf": (ProgramAided(), DivideAndConquer(**PLAIN, leaf="program-aided")),
    "tree-of-thoughts": (TreeOfThoughts(), DivideAndConquer(**TREE)),
    "tree-of-thoughts, larger": (
        TreeOfThoughts(steps=2, breadth=3, candidates=2, temperature=1.0),
        DivideAndConquer(**TREE, steps=2, breadth=3, candidates=2, temperature=1.0),
    ),
    "tree-of-thoughts by votes": (TreeOfThoughts(evaluate="vote"), DivideAndConquer(**TREE, evaluate="vote")),
}


@dataclass(frozen=True)
class LikesDigits:
    """Scores by the share of digits and accepts what has one."""

    name: ClassVar[str] = "likes-digits"
    summary: ClassVar[str] = "Likes digits."

    async def verify(self, problem, answer, services):
        digits = sum(character.isdigit() for character in answer)
        return Judgement(digits / (1 + len(answer)), digits > 0)


def by_order(script):
    return list(script) * 40


def by_prompt(script):
    """The reply depends on the prompt alone."""

    def reply(prompt):
        digest = hashlib.sha256(prompt.encode(errors="surrogatepass")).digest()
        return script[digest[0] % len(script)]

    return reply


def transcript(reasoner, problem, replies, limits, has_verifier=False):
    """All that was recorded and all that was asked, and the answer."""
    backend = ScriptedBackend(replies)
    facilities = scripted_facilities(
        backend,
        tools=TOOLS,
        documents=DOCUMENTS,
        limits=limits,
        open_memory=Scratchpad().open,
        verifier=LikesDigits() if has_verifier else None,
    )
    (result,) = asyncio.run(solve_all([problem], reasoner, facilities, max_live=1))
    assert result.stop_reason is not StopReason.FAILED, result.error
    steps = [(s.kind, s.purpose, s.prompt, s.output, s.tool, s.error, s.documents) for s in result.steps]
    asked = [(request.messages, request.config, request.sample) for request in backend.requests]
    return {"steps": steps, "asked": asked, "answer": result.answer, "why": result.stop_reason}


LIMITS = st.builds(
    Limits, max_calls=st.integers(1, 64), max_tool_calls=st.integers(0, 3), max_new_tokens=st.integers(1, 3000)
)


@pytest.mark.parametrize("name", PAIRS)
@settings(deadline=None, max_examples=min(60, settings.default.max_examples))
@given(
    script=st.lists(model_texts(), min_size=1, max_size=8),
    order=st.sampled_from((by_order, by_prompt)),
    problem=st.sampled_from(PROBLEMS),
    limits=LIMITS,
    has_verifier=st.booleans(),
)
def test_a_setting_gives_the_transcript_of_the_named_reasoner(name, script, order, problem, limits, has_verifier):
    named, setting = PAIRS[name]
    expected = transcript(named, problem, order(script), limits, has_verifier)
    assert transcript(setting, problem, order(script), limits, has_verifier) == expected


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("direct", [" 5"]),
        ("chain-of-thought", [" 2 and 3 make 5.", " 5."]),
        ("retrieve-then-read", ["211 m"]),
        ("program-aided", ["oops(", "2 + 3)"]),
        ("tree-of-thoughts", [" add", " guess", " count", "9", "1", "5"] * 9),
    ],
)
def test_each_of_the_five_takes_all_its_steps_as_a_setting(name, script):
    problem = PROBLEMS[2]
    expected = transcript(PAIRS[name][0], problem, script, Limits())
    assert transcript(PAIRS[name][1], problem, script, Limits()) == expected
    kinds = {"direct": 1, "chain-of-thought": 2, "retrieve-then-read": 2, "program-aided": 2, "tree-of-thoughts": 31}
    assert len(expected["steps"]) >= kinds[name]


def test_another_setting_gives_another_transcript():
    script = [" 2 and 3 make 5.", " 5."]
    named = transcript(ChainOfThought(), PROBLEMS[0], script, Limits())
    assert transcript(DivideAndConquer(**PLAIN), PROBLEMS[0], script, Limits()) != named
    assert transcript(DivideAndConquer(), PROBLEMS[0], script, Limits()) != named
