"""Divide-and-conquer ends, and gives one transcript, for any model and however long each completion takes."""

import asyncio
import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_runs import BRIDGE
from scripted_walks import Wants

from lottery_plugins.limits import Limits, StopReason
from lottery_plugins.memory import Scratchpad
from lottery_plugins.reasoners import DivideAndConquer
from lottery_plugins.reasoning.runner import solve_all
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, fake_problem, scripted_facilities

PIECES = (
    " yes", " no", " How far is it? (needs none)\n2. How high? (needs none)\n3. How wide? (needs 1, 2)",
    " or: guess\n2. or: count\n3. add (needs none)", " a?\n2. b?\n3. c? (needs 1)\n4. d? (needs none)", "none",
    "calculator[2 + 3]\nsearch[the Lumen Bridge]", "the Lumen Bridge", "5", "", " the answer is 4", "oven[1]",
)  # fmt: skip
SETTINGS = st.builds(
    DivideAndConquer,
    external=st.sampled_from(("never", "requests", "model-decides", "model-decides")),
    divide=st.sampled_from(("model", "always", "thoughts")),
    leaf=st.sampled_from(("direct", "chain-of-thought", "program-aided")),
    aggregate=st.sampled_from(("model", "last")),
    trials=st.integers(1, 2),
    retries=st.integers(0, 2),
    max_depth=st.integers(0, 2),
    verify=st.booleans(),
)


def digest(*parts):
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:4], "big")


def solved(setting, script, limits, haste):
    """A trajectory on a model that replies by the prompt and takes its time by the prompt and `haste`."""
    backend = ScriptedBackend(lambda prompt: script[digest(prompt) % len(script)])

    async def generate(request):
        for _ in range(digest(request.messages, request.sample, haste) % 7):
            await asyncio.sleep(0)
        return backend.generate([request])[0]

    facilities = scripted_facilities(
        backend,
        tools=[FakeTool("calculator", "expression", lambda text: text[:9])],
        documents=[BRIDGE],
        limits=limits,
        generate=generate,
        open_memory=Scratchpad().open,
        verifier=Wants("5", []),
    )
    (result,) = asyncio.run(solve_all([fake_problem()], setting, facilities, max_live=1))
    assert result.stop_reason is not StopReason.FAILED, result.error
    return result


@settings(deadline=None)
@given(
    setting=SETTINGS,
    script=st.lists(st.sampled_from(PIECES), min_size=2, max_size=8, unique=True),
    max_calls=st.sampled_from((3, 10, 30, 400)),
    haste=st.integers(0, 99),
)
def test_nothing_depends_on_which_sub_problem_is_quicker(setting, script, max_calls, haste):
    limits = Limits(max_calls=max_calls, max_tool_calls=max_calls, max_new_tokens=10**6)
    slow, quick = (solved(setting, script, limits, seed) for seed in (-1, haste))
    assert (slow.answer, slow.stop_reason) == (quick.answer, quick.stop_reason)
    assert sum(step.kind == "generate" for step in slow.steps) <= max_calls
    if slow.stop_reason not in (StopReason.MAX_CALLS, StopReason.MAX_TOOL_CALLS):
        # What was done before a budget was spent does depend on it; the answer never does.
        assert [(s.purpose, s.prompt, s.output) for s in slow.steps] == [
            (s.purpose, s.prompt, s.output) for s in quick.steps
        ]


def test_the_pieces_reach_every_step_of_the_algorithm():
    seen = set()
    for index in range(200):
        script = [PIECES[(index * 7 + i * (1 + index % 5)) % len(PIECES)] for i in range(6)]
        setting = DivideAndConquer(external="never" if index % 2 else "model-decides", divide="model", trials=2)
        result = solved(setting, script, Limits(max_calls=300), 0)
        seen |= {(step.kind, step.purpose) for step in result.steps} | {result.stop_reason}
    assert {
        ("generate", "external?"), ("generate", "requests"), ("generate", "divide?"), ("generate", "schedule"),
        ("generate", "answer"), ("tool", "request"), ("retrieve", "request"), ("memory", "write"), ("memory", "read"),
        ("verify", "verify"), StopReason.ANSWERED,
    } <= seen  # fmt: skip
