import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import DataError
from lottery_plugins.ledger import Counters, Ledger, WeightBytes
from lottery_plugins.limits import StopReason
from lottery_plugins.trajectory import Step, Trajectory

COUNTS = st.integers(0, 10**6)
MEASURED = st.none() | COUNTS
COUNTERS = st.builds(
    Counters,
    problems=COUNTS,
    failed=COUNTS,
    lm_calls=COUNTS,
    tool_calls=COUNTS,
    tool_errors=COUNTS,
    retrievals=COUNTS,
    searched=MEASURED,
    proxy_calls=MEASURED,
    prompt_tokens=MEASURED,
    cached_prompt_tokens=MEASURED,
    generated_tokens=MEASURED,
    forwarded_tokens=MEASURED,
    retrieved_tokens=MEASURED,
    seconds=st.none() | COUNTS.map(float),
    flops=st.none() | COUNTS.map(float),
    stop_reasons=st.dictionaries(st.sampled_from([r.value for r in StopReason]), st.integers(1, 9)),
)
WEIGHTS = st.builds(WeightBytes, stored=MEASURED, embedding=MEASURED, original_stored=MEASURED, note=st.text())
LEDGERS = st.builds(
    Ledger,
    run=st.dictionaries(st.text(), st.text() | st.none() | st.lists(st.text())),
    weights=st.none() | WEIGHTS,
    peak_memory_bytes=MEASURED,
    calibration=st.text(),
    engine=st.dictionaries(st.text(), st.text() | st.integers() | st.none()),
    tasks=st.dictionaries(st.text(), COUNTERS, max_size=3),
)


def trajectory(*steps: Step, stop: StopReason = StopReason.ANSWERED) -> Trajectory:
    return Trajectory(task="t", doc_id=0, sample=0, answer="", stop_reason=stop, steps=steps, seconds=2.0)


@given(LEDGERS)
def test_ledger_survives_a_json_round_trip(ledger):
    assert Ledger.from_json(json.loads(json.dumps(ledger.to_json()))) == ledger


@given(COUNTERS, COUNTERS, COUNTERS)
def test_addition_of_counters_is_associative_and_commutative_with_empty_counters_neutral(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Counters() == a


@given(st.lists(st.integers(0, 5), max_size=6), st.integers(0, 6))
def test_counters_of_a_whole_are_the_sum_of_the_counters_of_its_parts(tokens, cut):
    runs = [trajectory(Step(kind="generate", prompt_tokens=n, completion_tokens=n)) for n in tokens]
    assert Counters.of(runs) == Counters.of(runs[:cut]) + Counters.of(runs[cut:])


def test_counters_tell_the_kinds_of_steps_apart():
    steps = (
        Step(kind="generate", prompt_tokens=10, cached_tokens=4, completion_tokens=3, forwarded_tokens=9),
        Step(kind="tool", tool="calculator"),
        Step(kind="tool", tool="calculator", error="arguments"),
        Step(kind="retrieve", retrieved_tokens=20),
        Step(kind="retrieve", retrieved_tokens=30),
        Step(kind="memory", output="x"),
        Step(kind="generate", prompt_tokens=20, completion_tokens=5, forwarded_tokens=25, tool="proxy"),
        Step(kind="score", forwarded_tokens=7),
    )
    assert Counters.of([trajectory(*steps), trajectory(stop=StopReason.FAILED)]) == Counters(
        problems=2,
        failed=1,
        lm_calls=1,
        tool_calls=2,
        tool_errors=1,
        retrievals=2,
        searched=1,
        proxy_calls=1,
        proxy_prompt_tokens=20,
        proxy_generated_tokens=5,
        proxy_forwarded_tokens=25,
        prompt_tokens=10,
        cached_prompt_tokens=4,
        generated_tokens=3,
        forwarded_tokens=16,
        retrieved_tokens=50,
        seconds=4.0,
        flops=None,  # steps do not tell
        stop_reasons={"answered": 1, "failed": 1},
    )


def test_one_unmeasured_step_makes_the_sum_not_measured_instead_of_too_small():
    counted = trajectory(Step(kind="generate", prompt_tokens=10, completion_tokens=None))
    total = Counters.of([counted, trajectory(Step(kind="generate", prompt_tokens=1, completion_tokens=1))])
    assert (total.prompt_tokens, total.generated_tokens) == (11, None)


def test_ledger_file_states_how_often_was_searched_and_the_mean_of_what_was_read():
    search = Step(kind="retrieve", retrieved_tokens=30)
    runs = [trajectory(search, search), trajectory(search), trajectory(), trajectory(Step(kind="generate"))]
    written = Counters.of(runs).to_json()
    assert (written["retrievals"], written["retrieved_tokens"]) == (3, 90)
    assert (written["retrieval_rate"], written["retrieved_tokens_per_problem"]) == (0.5, 22.5)
    unmeasured = Counters.of([*runs, trajectory(Step(kind="retrieve"))])
    assert (unmeasured.retrieval_rate, unmeasured.retrieved_tokens_per_problem) == (0.6, None)
    assert (Counters().retrieval_rate, Counters().retrieved_tokens_per_problem) == (None, None)


def test_seconds_of_a_token_are_written_and_none_where_nothing_was_generated():
    counted = Counters(seconds=3.0, generated_tokens=6, forwarded_tokens=12)
    assert (counted.seconds_per_generated_token, counted.seconds_per_forwarded_token) == (0.5, 0.25)
    assert counted.to_json()["seconds_per_generated_token"] == 0.5
    assert Counters.from_json(counted.to_json()) == counted
    assert (Counters().seconds_per_generated_token, Counters().seconds_per_forwarded_token) == (None, None)


def test_ledgers_from_before_operations_and_energy_were_counted_are_read_as_not_measured():
    written = Ledger(weights=WeightBytes(stored=7), tasks={"a": Counters(problems=2)}).to_json()
    for name in ("peak_memory_of", "nominal_kv_bytes_per_token", "energy_of", "compression_seconds"):
        del written[name]
    for name in ("flops", "seconds_per_generated_token", "seconds_per_forwarded_token"):
        del written["tasks"]["a"][name]
    del written["weights"]["original_embedding"]
    ledger = Ledger.from_json(written)
    assert ledger.tasks["a"].flops is None
    assert (ledger.nominal_kv_bytes_per_token, ledger.joules, ledger.compression_seconds) == (None, None, None)
    assert ledger.weights == WeightBytes(stored=7)


def test_total_adds_all_tasks():
    counters = Counters(problems=2, lm_calls=3)
    assert Ledger(tasks={"a": counters, "b": counters}).total == counters + counters


@pytest.mark.parametrize("data", [[], {}, {"schema": 2}, {**Ledger().to_json(), "tasks": {"a": {"problems": 1}}}])
def test_what_is_no_ledger_is_refused_with_the_file_named(data):
    with pytest.raises(DataError, match=r"runs/ledger\.json"):
        Ledger.from_json(data, where="runs/ledger.json")


def test_ledgers_from_before_engines_were_counted_are_read():
    written = Ledger(tasks={"a": Counters(problems=2, generated_tokens=7)}).to_json()
    del written["engine"]
    for name in ("forwarded_tokens", "searched", "proxy_calls", "retrieval_rate", "retrieved_tokens_per_problem"):
        del written["tasks"]["a"][name]
    read = Ledger.from_json(written)
    assert read.engine == {}
    assert (read.total.generated_tokens, read.total.forwarded_tokens) == (7, None)
    assert (read.total.searched, read.total.retrieval_rate) == (None, None)


def test_fields_that_a_later_version_adds_are_left_out():
    ledger = replace(Ledger(), calibration="bundled:stories")
    assert Ledger.from_json({**ledger.to_json(), "later": 1}) == ledger
