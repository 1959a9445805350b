"""What a long run shows: in the log, and with the engine's own counts."""

import asyncio
import logging

from lottery_plugins.engine.statistics import EngineStatistics
from lottery_plugins.harness import logs, progress
from lottery_plugins.harness.progress import RunProgress
from lottery_plugins.limits import StopReason
from lottery_plugins.trajectory import Step, Trajectory

DONE = Trajectory(
    task="t", doc_id=0, sample=0, answer="", stop_reason=StopReason.ANSWERED,
    steps=(Step(kind="generate", completion_tokens=50), Step(kind="tool")),
)  # fmt: skip


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def lines(caplog, statistics=None, finished=2):
    clock = Clock()
    with caplog.at_level(logging.INFO, "lottery_plugins"):
        shown = RunProgress(None, None, 8, "react", statistics, clock)
        if statistics is not None:
            statistics.prompt_tokens, statistics.cached_tokens = 1000 + 400, 900 + 300
            statistics.generated_tokens, statistics.forwarded_tokens = 320, 500
        clock.now = 20.0
        shown.finished(DONE)
        clock.now = 40.0
        for _ in range(finished - 1):
            shown.finished(DONE)
        shown.show()
    return [record.getMessage() for record in caplog.records]


def test_log_tells_samples_steps_speed_and_time_left_each_half_minute(caplog):
    assert lines(caplog) == ["react: 2/8 samples, 4 steps, 2 tok/s, 120 s left"]


def test_engine_that_counts_tells_its_speed_and_what_was_cached_since_the_start(caplog):
    statistics = EngineStatistics(prompt_tokens=1000, cached_tokens=900)
    assert lines(caplog, statistics) == ["react: 2/8 samples, 4 steps, 8 tok/s, 75% of prompts cached, 120 s left"]


def test_task_that_only_scores_shows_what_is_read(caplog):
    clock, statistics = Clock(), EngineStatistics()
    with caplog.at_level(logging.INFO, "lottery_plugins"):
        shown = RunProgress(None, None, 8, "loglikelihood", statistics, clock)
        statistics.prompt_tokens = statistics.forwarded_tokens = 400
        clock.now = 40.0
        shown.show()
    assert "10 tok/s read, 0% of prompts cached, time left unknown" in caplog.text


def test_progress_is_shown_while_no_sample_is_finished(monkeypatch):
    monkeypatch.setattr(progress, "_SHOW_EVERY_S", 0.001)
    shown = RunProgress(None, None, 8, "react")
    calls = []
    shown.show = lambda: calls.append(1)

    async def play():
        async with shown.shown():
            await asyncio.sleep(0.05)

    asyncio.run(play())
    assert len(calls) >= 3


def test_our_log_lines_stand_among_lm_evals(monkeypatch):
    theirs, ours = logging.getLogger("lm_eval"), logging.getLogger("lottery_plugins")
    handler = logging.NullHandler()
    monkeypatch.setattr(theirs, "handlers", [handler])
    monkeypatch.setattr(ours, "handlers", [])
    monkeypatch.setattr(ours, "level", logging.NOTSET)
    monkeypatch.setattr(theirs, "level", logging.INFO)
    logs.join_lm_eval()
    logs.join_lm_eval()
    assert ours.handlers == [handler]
    assert ours.level == logging.INFO


def test_quiet_lm_eval_leaves_our_warnings(monkeypatch):
    theirs, ours = logging.getLogger("lm_eval"), logging.getLogger("lottery_plugins")
    monkeypatch.setattr(theirs, "handlers", [logging.NullHandler()])
    monkeypatch.setattr(ours, "handlers", [])
    monkeypatch.setattr(ours, "level", logging.NOTSET)
    monkeypatch.setattr(theirs, "level", logging.ERROR)
    logs.join_lm_eval()
    assert ours.level == logging.WARNING
