"""What a reasoner asks for reaches the model and its memory, and is recorded."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_services import ASK, services

from lottery_plugins.errors import ConfigError
from lottery_plugins.generation import Completion, GenerationConfig
from lottery_plugins.limits import BudgetExceededError
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.reasoning.facilities import Facilities
from lottery_plugins.reasoning.services import ProblemServices
from lottery_plugins.testing.fakes import ScriptedBackend, fake_problem


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


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=2, unique=True))
def test_samples_of_repeats_never_collide(pairs):
    numbers = []
    for repeat, sample in pairs:
        backend = ScriptedBackend()
        asyncio.run(services(backend, fake_problem(sample=repeat)).generate(ASK, purpose="p", sample=sample))
        numbers.append(backend.requests[0].sample)
    assert numbers[0] != numbers[1]


def test_gathered_acts_are_recorded_in_the_order_of_their_start():
    async def generate(request):
        await asyncio.sleep(0.03 if request.sample == 0 else 0)
        return Completion(str(request.sample), "p", completion_tokens=1)

    mine = ProblemServices(fake_problem(), Facilities(generate=generate))

    async def both():
        await asyncio.gather(*(mine.generate(ASK, purpose=str(i), sample=i) for i in range(2)))

    asyncio.run(both())
    assert [s.purpose for s in mine.steps] == ["0", "1"]


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
