"""Replaying: what was finished is given again, what was asked otherwise is computed, and nothing is confused."""

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.engine.replay import ReplayingFront
from lottery_plugins.engine.store import SampleStore, StoreError
from lottery_plugins.generation import Completion, GenerationConfig, GenerationRequest
from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message
from lottery_plugins.trajectory import Trajectory

SAMPLED = GenerationConfig(do_sample=True)


def ask(text, *, trajectory=1, sample=0, config=SAMPLED):
    return GenerationRequest((Message("user", text),), config, sample=sample, trajectory=trajectory)


class Dice:
    """Answers each call differently, as a sampling model does; remembers what it was asked and told."""

    def __init__(self, name="a"):
        self.name, self.asked, self.noted, self.released = name, [], [], []

    def count_tokens(self, text):
        return len(text)

    def release(self, trajectory):
        self.released.append(trajectory)

    def note(self, request, completion):
        self.noted.append((request, completion.ids))

    async def generate(self, request):
        self.asked.append(request)
        text = f"{self.name}{len(self.asked)}"
        await asyncio.sleep(0)
        return Completion(
            text, "the prompt", prompt_tokens=3, cached_tokens=1, completion_tokens=2,
            finish_reason="stop", seconds=0.25, ids=(7, 8),
        )  # fmt: skip


class Run:
    """A run on a store; `answers` are those of the requests, all made at the same time."""

    def __init__(self, path, samples=("first", "second"), name="a"):
        self.dice = Dice(name)
        self.store = SampleStore(path / "s.sqlite")
        self.store.begin()
        self.front = ReplayingFront(self.dice, self.store, samples)

    def answers(self, *requests):
        async def main():
            return await asyncio.gather(*(self.front.generate(request) for request in requests))

        return asyncio.run(main())

    def texts(self, *requests):
        return [answer.text for answer in self.answers(*requests)]


def test_next_run_gets_each_completion_as_it_was(tmp_path):
    requests = [ask("x"), ask("y"), ask("x", trajectory=2)]
    before = Run(tmp_path).answers(*requests)
    again = Run(tmp_path, name="b")
    assert again.answers(*requests) == before
    assert again.dice.asked == []
    assert again.front.num_replayed == 3


@pytest.mark.parametrize(
    "other",
    [
        ask("y"), ask("x", sample=1), ask("x", trajectory=2), ask("x", config=GenerationConfig()),
        ask("x", config=SAMPLED.with_changes(max_tokens=7)),
        GenerationRequest((Message("system", "x"),), SAMPLED, trajectory=1),
        GenerationRequest((Message("user", "x"),), SAMPLED, text="rendered", trajectory=1),
    ],
)  # fmt: skip
def test_request_that_differs_is_computed(tmp_path, other):
    Run(tmp_path).answers(ask("x"))
    again = Run(tmp_path, name="b")
    assert again.texts(other) == ["b1"]
    assert again.texts(ask("x")) == ["a1"]


def test_same_request_made_twice_has_two_completions_in_order(tmp_path):
    run = Run(tmp_path)
    assert run.texts(ask("x")) + run.texts(ask("x")) == ["a1", "a2"]
    again = Run(tmp_path, name="b")
    assert [again.texts(ask("x")) for _ in range(3)] == [["a1"], ["a2"], ["b1"]]


def test_votes_and_repeats_are_kept_apart(tmp_path):
    votes = [ask("x", sample=s) for s in range(3)]
    repeat = ask("x", trajectory=2, sample=1)  # the same document's second repeat, whose sample number a vote has too
    Run(tmp_path).answers(*votes, repeat)
    again = Run(tmp_path, name="b")
    assert again.texts(repeat, *reversed(votes)) == ["a4", "a3", "a2", "a1"]


def test_finished_sample_leaves_no_completion_and_its_neighbour_keeps_its_own(tmp_path):
    run = Run(tmp_path)
    run.answers(ask("x"), ask("x", trajectory=2))
    run.store.put("first", Trajectory(task="t", doc_id=0, sample=0, answer="", stop_reason=StopReason.ANSWERED))
    assert run.store.completions("first") == {}
    assert len(run.store.completions("second")) == run.store.count_completions() == 1


def test_front_is_told_of_what_it_did_not_answer(tmp_path):
    Run(tmp_path).answers(ask("x"))
    again = Run(tmp_path, name="b")
    again.answers(ask("x"), ask("y"))
    assert again.dice.noted == [(ask("x"), (7, 8))]


def test_everything_else_is_asked_of_the_front(tmp_path):
    run = Run(tmp_path)
    run.front.release(2)
    assert run.dice.released == [2]
    assert run.front.count_tokens("four") == 4


def test_trajectory_released_before_its_sample_was_put_is_replayed_by_the_next_run(tmp_path):
    run = Run(tmp_path)
    run.answers(ask("x"))
    run.front.release(1)
    assert Run(tmp_path, name="b").texts(ask("x")) == ["a1"]


@pytest.mark.parametrize("number", [0, 3])
def test_request_of_no_known_trajectory_goes_straight_on(tmp_path, number):
    run = Run(tmp_path)
    assert run.texts(ask("x", trajectory=number)) == ["a1"]
    assert run.store.count_completions() == 0


def test_failed_and_cancelled_requests_are_not_kept(tmp_path):
    run = Run(tmp_path)

    async def main():
        task = asyncio.create_task(run.front.generate(ask("x")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert len(run.dice.asked) == 1
    assert run.store.count_completions() == 0


def test_store_that_fails_costs_no_answer_and_is_told_once(tmp_path, monkeypatch, caplog):
    run = Run(tmp_path)

    def full(*arguments):
        raise StoreError("the disk is full")

    monkeypatch.setattr(run.store, "put_completion", full)
    monkeypatch.setattr(run.store, "completions", full)
    with caplog.at_level(logging.WARNING):
        assert run.texts(ask("x"), ask("y"), ask("x", trajectory=2)) == ["a1", "a2", "a3"]
    assert caplog.text.count("the disk is full") == 1


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 3), st.integers(0, 2)), max_size=20), st.integers(0, 20)
)
def test_run_stopped_anywhere_goes_on_as_if_it_had_not(tmp_path_factory, acts, stop):
    folder = tmp_path_factory.mktemp("stopped")
    requests = [ask(text, trajectory=trajectory, sample=sample) for text, trajectory, sample in acts]
    samples = ("1", "2", "3")
    first, second = Run(folder, samples), Run(folder, samples, name="b")
    done = [first.texts(request)[0] for request in requests[:stop]]
    assert [second.texts(request)[0] for request in requests[:stop]] == done
    assert second.dice.asked == []
    second.answers(*requests[stop:])
    assert second.dice.asked == requests[stop:]
