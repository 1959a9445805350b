"""What the parts of benchmarks/inference compute from what they measure."""

import pytest

from benchmarks.inference.limits import Limits, Shape, least_seconds
from benchmarks.inference.load import measure_way
from benchmarks.inference.loads import MultiStepLoad
from benchmarks.inference.one_step import uneven_stop
from benchmarks.inference.slow_tools import latencies

SHAPE = Shape(matrices=((10, 10),), layers=2, head=(50, 10), query_size=0, cache_size=0)
LOAD = MultiStepLoad(trajectories=3, steps=2, shared=5, observed=4, generated=2)


def limits(bytes_per_s, flops):
    return Limits(bytes_per_s, {"dense": dict.fromkeys((8, 32, 128, 512), flops)})


def test_least_seconds_without_a_memory_limit_are_those_of_the_ideal_tokens_and_the_drawn_ones():
    operations = 2 * (LOAD.ideal_forwarded * 200 + LOAD.generated_total * 500)
    assert least_seconds(LOAD, SHAPE, limits(1e30, 1e6)) == pytest.approx(operations / 1e6)


def test_least_seconds_without_a_limit_of_operations_read_the_weights_once_a_pass():
    passes = LOAD.steps * LOAD.generated
    assert least_seconds(LOAD, SHAPE, limits(1e6, 1e30)) == pytest.approx(passes * 4 * (200 + 500) / 1e6)


def test_tools_take_two_seconds_in_the_mean_and_at_most_twelve():
    waits = [seconds for row in latencies(MultiStepLoad(), 1.0) for seconds in row]
    assert len(waits) == 96
    assert sum(waits) / 96 == pytest.approx(2.0, rel=0.05)
    assert 8 < max(waits) <= 12
    assert latencies(MultiStepLoad(), 0.5)[0][0] == pytest.approx(latencies(MultiStepLoad(), 1.0)[0][0] / 2)


def test_stop_token_leaves_answers_near_half_as_long():
    answers = [[1, 2, 3, 4], [1, 3, 2, 4], [1, 3, 4, 2], [1, 3, 3, 3]]
    assert uneven_stop(answers, most=4) == 3  # lengths 3, 2, 2, 2


def test_measured_way_reports_exact_counts(tiny_model):
    load = {"trajectories": 2, "steps": 2, "shared": 20, "observed": 5, "generated": 3, "seed": 0}
    found = measure_way({"way": "lottery", "model": tiny_model, "load": load, "options": {}})
    assert found["forwarded"] == MultiStepLoad(**load).ideal_forwarded
    assert found["generated"] == 12
    assert [len(step) for row in found["answers"] for step in row] == [3] * 4
