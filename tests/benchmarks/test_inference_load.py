"""The multi-step load of benchmarks/inference: the exact gate on forwarded tokens, and that ways answer it alike."""

import asyncio
import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks.inference.loads import MultiStepLoad, OneStepLoad, ScoringLoad
from benchmarks.inference.number_text import NumberCodec, from_text, number_tokenizer, to_text
from benchmarks.inference.subject import load_subject
from benchmarks.inference.svg import bars, lines
from benchmarks.inference.ways import make_way
from benchmarks.inference.ways_ours import solve_all
from lottery_plugins.engine.packed import PackedEngine
from lottery_plugins.testing.fake_runner import FakeRunner

FULL = MultiStepLoad()
SMALL = MultiStepLoad(trajectories=5, steps=3, shared=40, observed=7, generated=6)


@pytest.fixture(scope="module")
def subject(tiny_model):
    return load_subject(tiny_model)


def counted(subject, name, load):
    way = make_way(name, subject, {})
    subject.counter.take()
    with subject.counter.watching():
        answers = way.run(load)
    return answers, subject.counter.take()[0]


def test_ideal_count_is_what_a_cache_that_forgets_nothing_needs():
    load = MultiStepLoad(trajectories=2, steps=3, shared=10, observed=4, generated=2)
    assert load.ideal_forwarded == 10 + 2 * (4 + 2 + 4 + 2 + 4 + 1)
    assert FULL.ideal_forwarded == 11_120


def test_engine_forwards_at_most_1_05_of_the_ideal_count_on_the_full_load():
    runner = FakeRunner(num_blocks=2000, block_size=16, max_step_tokens=256)
    engine = PackedEngine(runner, NumberCodec(97))
    answers = asyncio.run(solve_all(engine, FULL, list(range(97)) * 3))
    assert sum(len(ids) for row in answers for ids in row) == FULL.generated_total
    assert FULL.ideal_forwarded <= runner.forwarded <= 1.05 * FULL.ideal_forwarded
    assert engine.statistics.forwarded_tokens == runner.forwarded


def test_model_is_sent_at_most_1_05_of_the_ideal_count_on_the_full_load(subject):
    answers, forwarded = counted(subject, "lottery", FULL)
    assert sum(len(ids) for row in answers for ids in row) == FULL.generated_total
    assert FULL.ideal_forwarded <= forwarded <= 1.05 * FULL.ideal_forwarded


@pytest.mark.parametrize("name", ["lottery", "lm-eval"])
def test_ways_give_the_tokens_of_plain_generate(subject, name):
    expected, forwarded = counted(subject, "naive", SMALL)
    prompts = [SMALL.shared + SMALL.observed + step * (SMALL.observed + SMALL.generated) for step in range(SMALL.steps)]
    assert forwarded == SMALL.trajectories * sum(n + SMALL.generated - 1 for n in prompts)
    assert counted(subject, name, SMALL)[0] == expected


def test_loads_are_the_same_every_time_and_have_the_sizes_they_say():
    ids = list(range(300))
    assert FULL.observations(ids) == FULL.observations(ids)
    assert {len(step) for row in FULL.observations(ids) for step in row} == {60}
    lengths = sorted(len(row) for row in OneStepLoad().rows(ids))
    assert (len(lengths), lengths[0], lengths[-1]) == (64, 16, 512)
    pairs = ScoringLoad().pairs(ids)
    assert len(pairs) == 256
    assert len({tuple(context) for context, _ in pairs}) == 64


def test_number_text_reads_back_as_the_same_ids():
    tokenizer = number_tokenizer(50, never=49)
    ids = [0, 7, 48, 7]
    assert tokenizer(to_text(ids))["input_ids"] == ids
    assert from_text(tokenizer.decode(ids)) == ids
    assert from_text(NumberCodec(50).decode(ids)) == ids


def test_plots_are_well_formed_and_show_every_name():
    for plot in (
        bars("t", {"a & b": 1.0, "c": 0.0}, "s", ("goal", 2)),
        lines("t", {"a & b": [(1, 2), (8, 3)]}, "x", "y"),
    ):
        texts = [element.text for element in ElementTree.fromstring(plot).iter() if element.text]
        assert "a & b" in texts
