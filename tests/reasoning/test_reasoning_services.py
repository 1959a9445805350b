"""What a reasoner may do is budgeted and recorded."""

import asyncio
import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.documents import Document
from lottery_plugins.errors import ConfigError, PluginError
from lottery_plugins.generation import Completion, GenerationConfig
from lottery_plugins.limits import BudgetExceededError, Limits, StopReason
from lottery_plugins.messages import Message
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.search import Search
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import FakeTool, ScriptedBackend, WordIndex, fake_problem, scripted_facilities

ASK = (Message("user", "hello"),)


def services(backend=None, problem=None, **fields):
    return ProblemServices(problem or fake_problem(), scripted_facilities(backend or ScriptedBackend(), **fields))


def test_services_satisfy_the_protocol():
    assert isinstance(services(), Services)


def test_task_settings_hold_where_the_reasoner_says_nothing():
    backend = ScriptedBackend(["hi"])
    config = GenerationConfig(max_tokens=7, stop=("\n",), do_sample=True, temperature=0.3, extra=(("x", 1),))
    asyncio.run(services(backend, fake_problem(config=config, sample=3)).generate(ASK, purpose="p"))
    assert backend.requests[0].config == config
    assert backend.requests[0].sample == 3


def test_reasoner_settings_replace_those_of_the_task():
    backend = ScriptedBackend()
    ask = services(backend).generate(ASK, purpose="p", max_tokens=5, stop=("]", ""), temperature=0.7, sample=2)
    asyncio.run(ask)
    config = backend.requests[0].config
    assert (config.max_tokens, config.stop, config.do_sample, config.temperature) == (5, ("]",), True, 0.7)


def test_temperature_zero_is_greedy():
    backend = ScriptedBackend()
    problem = fake_problem(config=GenerationConfig(do_sample=True, temperature=0.9))
    asyncio.run(services(backend, problem).generate(ASK, purpose="p", temperature=0.0))
    assert backend.requests[0].config.do_sample is False


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=2, unique=True))
def test_samples_of_repeats_never_collide(pairs):
    numbers = []
    for repeat, sample in pairs:
        backend = ScriptedBackend()
        asyncio.run(services(backend, fake_problem(sample=repeat)).generate(ASK, purpose="p", sample=sample))
        numbers.append(backend.requests[0].sample)
    assert numbers[0] != numbers[1]


@given(
    wishes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    lengths=st.lists(st.integers(0, 60), min_size=8, max_size=8),
    limit=st.integers(1, 80),
    at_once=st.booleans(),
)
def test_tokens_are_never_outspent(wishes, lengths, limit, at_once):
    backend = ScriptedBackend("w " * n for n in lengths)
    mine = services(backend, limits=Limits(max_new_tokens=limit), batch_size=4)

    async def spend():
        asks = [mine.generate(ASK, purpose="p", max_tokens=wish, stop=()) for wish in wishes]
        if at_once:
            return await asyncio.gather(*asks, return_exceptions=True)
        return [(await asyncio.gather(ask, return_exceptions=True))[0] for ask in asks]

    ends = asyncio.run(spend())
    assert all(isinstance(end, Completion | BudgetExceededError) for end in ends)
    assert sum(step.completion_tokens for step in mine.steps) <= limit
    assert len(mine.steps) == len(backend.prompts)


def test_unused_tokens_are_given_back():
    mine = services(ScriptedBackend(["a b"] * 9), limits=Limits(max_new_tokens=10))

    async def spend():
        for _ in range(5):
            await mine.generate(ASK, purpose="p", max_tokens=10)
        await mine.generate(ASK, purpose="p", max_tokens=10)

    with pytest.raises(BudgetExceededError) as caught:
        asyncio.run(spend())
    assert caught.value.reason is StopReason.MAX_TOKENS
    assert len(mine.steps) == 5


def test_all_allowed_tokens_are_charged_when_nobody_can_count():
    async def generate(request):
        return Completion("one two", "p")

    mine = ProblemServices(fake_problem(), Facilities(generate=generate, limits=Limits(max_new_tokens=10)))

    async def spend():
        await mine.generate(ASK, purpose="p", max_tokens=10)
        await mine.generate(ASK, purpose="p", max_tokens=10)

    with pytest.raises(BudgetExceededError):
        asyncio.run(spend())


def test_a_failed_completion_charges_no_tokens():
    calls = []

    async def generate(request):
        calls.append(request)
        if len(calls) == 1:
            raise OSError("gone")
        return Completion("ok", "p", completion_tokens=1)

    mine = ProblemServices(fake_problem(), Facilities(generate=generate, limits=Limits(max_new_tokens=8)))

    async def spend():
        with pytest.raises(OSError, match="gone"):
            await mine.generate(ASK, purpose="p", max_tokens=8)
        await mine.generate(ASK, purpose="p", max_tokens=8)

    asyncio.run(spend())
    assert calls[1].config.max_tokens == 8
    assert [s.output for s in mine.steps] == ["ok"]


@pytest.mark.parametrize(
    ("limits", "act", "reason"),
    [
        (Limits(max_calls=1), lambda s: s.generate(ASK, purpose="p"), StopReason.MAX_CALLS),
        (Limits(max_tool_calls=1), lambda s: s.call_tool("echo", {"text": "x"}), StopReason.MAX_TOOL_CALLS),
        (Limits(max_tool_calls=1), lambda s: s.call_tool("none", {}), StopReason.MAX_TOOL_CALLS),
    ],
)
def test_a_spent_limit_names_itself(limits, act, reason):
    mine = services(limits=limits, tools=[FakeTool()])

    async def twice():
        await act(mine)
        await act(mine)

    with pytest.raises(BudgetExceededError) as caught:
        asyncio.run(twice())
    assert caught.value.reason is reason


def test_time_ends_an_act_under_way():
    async def generate(request):
        await asyncio.sleep(60)

    mine = ProblemServices(fake_problem(), Facilities(generate=generate, limits=Limits(max_seconds=0.05)))
    with pytest.raises(BudgetExceededError) as caught:
        asyncio.run(mine.generate(ASK, purpose="p"))
    assert caught.value.reason is StopReason.MAX_SECONDS


def test_time_refuses_an_act_that_comes_too_late():
    now = [0.0]
    mine = services(limits=Limits(max_seconds=5.0), clock=lambda: now[0])
    now[0] = 5.0
    with pytest.raises(BudgetExceededError) as caught:
        asyncio.run(mine.generate(ASK, purpose="p"))
    assert caught.value.reason is StopReason.MAX_SECONDS


def test_a_timeout_inside_the_scheduler_is_not_taken_for_the_limit():
    async def generate(request):
        raise TimeoutError("server")

    mine = ProblemServices(fake_problem(), Facilities(generate=generate))
    with pytest.raises(TimeoutError, match="server"):
        asyncio.run(mine.generate(ASK, purpose="p"))


def test_gathered_acts_are_recorded_in_the_order_of_their_start():
    async def generate(request):
        await asyncio.sleep(0.03 if request.sample == 0 else 0)
        return Completion(str(request.sample), "p", completion_tokens=1)

    mine = ProblemServices(fake_problem(), Facilities(generate=generate))

    async def both():
        await asyncio.gather(*(mine.generate(ASK, purpose=str(i), sample=i) for i in range(2)))

    asyncio.run(both())
    assert [s.purpose for s in mine.steps] == ["0", "1"]


def test_an_unknown_tool_is_told_to_the_model_with_the_nearest_name():
    result = asyncio.run(services(tools=[FakeTool("calculator")]).call_tool("calculater", {"x": 1}))
    assert result.error == "unknown"
    assert "Did you mean 'calculator'" in result.text


def test_a_tool_the_task_forbids_is_neither_shown_nor_run():
    ran = []
    tools = [FakeTool("python", reply=lambda t: ran.append(t) or ""), FakeTool("echo")]
    mine = services(problem=fake_problem(tools=("echo",)), tools=tools)
    result = asyncio.run(mine.call_tool("python", {"text": "x"}))
    assert [t.name for t in mine.tools] == ["echo"]
    assert (result.error, ran) == ("denied", [])


def test_a_denied_call_does_not_run_and_the_reason_is_shown():
    ran = []
    mine = services(
        tools=[FakeTool(reply=lambda t: ran.append(t) or "")], authorize=lambda problem, call: f"no {call.tool} today"
    )
    result = asyncio.run(mine.call_tool("echo", {"text": "x"}))
    assert (result.error, ran) == ("denied", [])
    assert "no echo today" in result.text


def test_a_guard_that_raises_denies():
    def broken(problem, call):
        raise RuntimeError("guard")

    result = asyncio.run(services(tools=[FakeTool()], authorize=broken).call_tool("echo", {"text": "x"}))
    assert result.error == "denied"


def test_a_tool_error_becomes_an_observation_and_is_recorded():
    mine = services(tools=[FakeTool()])
    result = asyncio.run(mine.call_tool("echo", {"text": 5}))
    assert result.error == "arguments"
    assert (mine.steps[0].error, mine.steps[0].output) == ("arguments", result.text)


def test_any_other_exception_of_a_tool_names_the_tool():
    def crash(text):
        raise ZeroDivisionError("inside")

    with pytest.raises(PluginError, match=r"'echo'.*ZeroDivisionError"):
        asyncio.run(services(tools=[FakeTool(reply=crash)]).call_tool("echo", {"text": "x"}))


def test_a_tool_that_returns_no_result_breaks_its_contract():
    @dataclass(frozen=True)
    class Bare(FakeTool):
        def call(self, arguments):
            return "text"

    with pytest.raises(PluginError, match="returned str"):
        asyncio.run(services(tools=[Bare()]).call_tool("echo", {"text": "x"}))


def test_a_slow_tool_does_not_keep_the_model_waiting():
    generated = threading.Event()
    backend = ScriptedBackend(lambda prompt: generated.set() or "ok")
    mine = services(backend, tools=[FakeTool(reply=lambda text: str(generated.wait(10)))])

    async def both():
        return await asyncio.gather(mine.call_tool("echo", {"text": "x"}), mine.generate(ASK, purpose="p"))

    result, _ = asyncio.run(both())
    assert result.text == "True"


def test_search_records_documents_scores_and_tokens():
    mine = services(documents=[Document("a", "red apples"), Document("b", "green pears", "Pears")])
    found = asyncio.run(mine.retrieve("green apples pears"))
    step = mine.steps[0]
    assert [hit.document.id for hit in found] == ["b", "a"]
    assert step.documents == (("b", 2.0), ("a", 1.0))
    assert step.retrieved_tokens == 5


def test_top_k_of_the_reasoner_comes_before_that_of_the_run():
    mine = services(documents=[Document(str(i), "red") for i in range(5)])
    assert len(asyncio.run(mine.retrieve("red"))) == 2
    assert len(asyncio.run(mine.retrieve("red", top_k=4))) == 4


def test_without_a_retriever_nothing_is_found():
    mine = services()
    assert mine.has_retriever is False
    assert asyncio.run(mine.retrieve("x")) == []


def test_one_index_is_built_for_searches_at_the_same_time():
    built = []

    async def index_for(problem):
        built.append(problem)
        await asyncio.sleep(0.01)
        return WordIndex([Document("a", "red")])

    mine = services(search=Search(index_for=index_for))

    async def both():
        return await asyncio.gather(mine.retrieve("red"), mine.retrieve("red"))

    first, second = asyncio.run(both())
    assert (len(built), len(first), len(second)) == (1, 1, 1)


def test_a_retriever_that_raises_is_named():
    def broken(problem):
        raise ValueError("k exceeds corpus")

    with pytest.raises(PluginError, match=r"'bm25'.*k exceeds corpus"):
        asyncio.run(services(search=Search(index_for=broken, name="bm25")).retrieve("x"))


def test_a_problem_without_documents_has_no_retriever():
    search = Search(index_for=lambda problem: WordIndex(), has_documents=lambda problem: bool(problem.context))
    assert services(search=search).has_retriever is False
    assert services(problem=fake_problem(context="c"), search=search).has_retriever is True


@dataclass
class Notes:
    kept: dict = field(default_factory=dict)

    def write(self, key, value):
        self.kept[key] = value

    def read(self, key):
        return self.kept.get(key)

    def keys(self):
        return list(self.kept)

    def render(self, max_chars=None):
        return str(self.kept)


def test_memory_is_written_read_and_recorded():
    mine = services(open_memory=Notes)
    mine.remember("a", "1")
    assert mine.recall("a") == "1"
    assert mine.recall("b") == ""
    assert mine.recall() == "{'a': '1'}"
    assert [(s.kind, s.purpose) for s in mine.steps] == [("memory", "write")] + [("memory", "read")] * 3


def test_without_memory_recall_is_empty():
    mine = services()
    mine.remember("a", "1")
    assert mine.recall("a") == ""


def test_without_a_verifier_verify_says_what_to_do():
    with pytest.raises(ConfigError, match="lottery plugins list"):
        asyncio.run(services().verify("x"))


def test_observers_get_each_finished_step():
    seen = []
    mine = services(ScriptedBackend(["hi"]), on_step=lambda problem, step: seen.append((problem.task, step.output)))
    asyncio.run(mine.generate(ASK, purpose="p"))
    assert seen == [("fake", "hi")]


def test_branches_that_were_given_up_are_cancelled_at_the_end():
    cancelled = []

    async def generate(request):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(request)
            raise

    async def play():
        mine = ProblemServices(fake_problem(), Facilities(generate=generate))
        branch = asyncio.create_task(mine.generate(ASK, purpose="p"))
        await asyncio.sleep(0)
        await mine.close()
        with pytest.raises(BudgetExceededError):
            await mine.generate(ASK, purpose="late")
        return branch.cancelled(), mine.steps

    assert asyncio.run(play()) == (True, ())
    assert len(cancelled) == 1
