"""The sample store: what is finished survives a kill, and a complete run starts afresh."""

import multiprocessing
import os
import signal

import pytest

from lottery_plugins.engine.store import SampleStore, StoreError, problem_key
from lottery_plugins.generation import GenerationConfig
from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message
from lottery_plugins.trajectory import Problem, Step, Trajectory

TRAJECTORY = Trajectory(
    task="t", doc_id=1, sample=0, answer="42", stop_reason=StopReason.ANSWERED,
    steps=(Step(kind="retrieve", documents=(("d", 0.5),)), Step(kind="generate", output="42", prompt_tokens=3)),
)  # fmt: skip


def test_trajectories_read_back_as_they_were(tmp_path):
    store = SampleStore(tmp_path / "a" / "s.sqlite")
    store.begin()
    store.put("k", TRAJECTORY)
    assert store.get("k") == TRAJECTORY
    assert store.get("other") is None
    again = SampleStore(store.path)
    assert again.begin() == 1
    assert again.get("k") == TRAJECTORY


def test_complete_run_starts_afresh(tmp_path):
    store = SampleStore(tmp_path / "s.sqlite")
    store.begin()
    store.put("k", TRAJECTORY)
    store.mark_complete()
    assert SampleStore(store.path).begin() == 0


def test_run_whose_results_could_not_be_saved_is_resumed(tmp_path):
    store = SampleStore(tmp_path / "s.sqlite")
    store.begin()
    store.put("k", TRAJECTORY)
    store.mark_complete()
    store.mark_complete(is_complete=False)
    assert SampleStore(store.path).begin() == 1


def test_removed_store_leaves_no_file(tmp_path):
    store = SampleStore(tmp_path / "s.sqlite")
    store.begin()
    store.remove()
    assert list(tmp_path.iterdir()) == []


def _write_and_die(path):
    store = SampleStore(path)
    store.begin()
    for i in range(50):
        store.put(f"k{i}", TRAJECTORY)
    os.kill(os.getpid(), signal.SIGKILL)


def test_finished_samples_survive_sigkill(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(tmp_path / "s.sqlite",))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    store = SampleStore(tmp_path / "s.sqlite")
    assert store.begin() == 50
    assert store.get("k49") == TRAJECTORY


def test_unwritable_folder_is_one_clear_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="LOTTERY_CACHE"):
        SampleStore(tmp_path / "file" / "s.sqlite").begin()


def test_file_that_is_no_database_is_one_clear_sentence(tmp_path):
    (tmp_path / "s.sqlite").write_text("not a database, and longer than a header of one hundred bytes " * 4)
    with pytest.raises(StoreError, match="not a database"):
        SampleStore(tmp_path / "s.sqlite").begin()


@pytest.mark.parametrize(
    "change",
    [
        {"sample": 1}, {"task": "u"}, {"context": "c"}, {"question": "q2"}, {"tools": ()}, {"is_chat": True},
        {"messages": (Message("system", "q"),)}, {"config": GenerationConfig(max_tokens=2)},
    ],
)  # fmt: skip
def test_samples_that_differ_have_different_keys(change):
    base = {"task": "t", "doc_id": 0, "messages": (Message("user", "q"),), "question": "q"}
    assert problem_key(Problem(**base)) != problem_key(Problem(**{**base, **change}))
    assert problem_key(Problem(**base)) == problem_key(Problem(**base))
