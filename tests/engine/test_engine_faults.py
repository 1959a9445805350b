"""Bad requests, and a model or a memory that gives out: told clearly, and nobody else is harmed."""

import asyncio

import pytest
from core_runs import alone, ask, assert_all_is_free, engine, run

from lottery_plugins.errors import ConfigError, DataError, RunEndedError
from lottery_plugins.harness.event_loop import run_to_end
from lottery_plugins.protocols.engine import SamplingParams


def test_a_request_larger_than_the_cache_is_refused_and_others_go_on():
    async def go():
        core = engine(num_blocks=10)
        return await asyncio.gather(ask(core, [1] * 60, 5), ask(core, [2] * 9, 5), return_exceptions=True)

    refused, answered = run(go())
    assert isinstance(refused, DataError)
    assert "64" in str(refused)
    assert "40" in str(refused)
    assert answered.ids == alone([2] * 9, 5)


def test_a_prompt_longer_than_the_window_is_refused():
    async def go():
        core = engine(max_length=12)
        ends_at_window = await ask(core, [1] * 10, 9, ignore_end=True)
        with pytest.raises(DataError, match="12"):
            await ask(core, [1] * 12, 1)
        with pytest.raises(DataError, match="no token"):
            await ask(core, [], 1)
        return ends_at_window

    answer = run(go())
    assert answer.finish_reason == "length"
    assert answer.generated_tokens == 3  # two are forwarded, the last is not


@pytest.mark.parametrize(
    "fields",
    [{"max_tokens": 0}, {"stop": ("",)}, {"do_sample": True, "temperature": 0.0}, {"top_p": 0.0}, {"top_k": 0}],
)
def test_contradictory_settings_are_refused(fields):
    with pytest.raises(ConfigError):
        SamplingParams(**{"max_tokens": 1, **fields})


def test_steps_that_do_not_fit_the_memory_are_done_in_smaller_ones(caplog):
    async def go():
        core = engine(num_blocks=100, max_step_tokens=64, fits=5)
        return await asyncio.gather(*[ask(core, [i] * 12, 4) for i in range(6)])

    for i, answer in enumerate(run(go())):
        assert answer.ids == alone([i] * 12, 4)
    assert len([r for r in caplog.records if "did not fit" in r.message]) == 1


def test_a_model_that_gives_nan_ends_the_run_and_says_where():
    async def go():
        core = engine()
        core._runner.nan_at = 77
        first = await ask(core, [1, 2, 3], 2)
        broken = await asyncio.gather(ask(core, [1, 77, 3], 2), ask(core, [4] * 30, 9), return_exceptions=True)
        with pytest.raises(RunEndedError):
            await ask(core, [1], 1)
        return first, broken

    first, broken = run(go())
    assert first.ids == alone([1, 2, 3], 2)
    assert all(isinstance(error, RunEndedError) for error in broken)
    assert "NaN" in str(broken[0])


def test_a_runner_that_raises_harms_only_the_requests_of_that_step():
    async def go():
        core = engine(num_blocks=40)
        begin = core._runner.begin

        def fails_on_50(rows):
            if any(50 in row.ids for row in rows):
                raise ValueError("kernel")
            return begin(rows)

        core._runner.begin = fails_on_50
        bad = await asyncio.gather(ask(core, [50, 1], 2), return_exceptions=True)
        good = await ask(core, [4] * 30, 3)
        assert_all_is_free(core)
        return bad[0], good

    bad, good = run(go())
    assert "kernel" in str(bad)
    assert good.ids == alone([4] * 30, 3)


def test_the_engine_goes_on_in_another_event_loop_after_an_interrupt():
    core = engine(num_blocks=40)
    begin, calls = core._runner.begin, []

    def interrupted(rows):
        calls.append(rows)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return begin(rows)

    core._runner.begin = interrupted
    with pytest.raises(KeyboardInterrupt):
        run_to_end(ask(core, [1] * 9, 9, ignore_end=True))
    assert run_to_end(ask(core, [1] * 9, 9)).ids == alone([1] * 9, 9)
    assert_all_is_free(core)
