"""The sample store: what is finished survives a kill, and a complete run starts afresh."""

import logging
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.engine.store import SampleStore, StoreError, problem_key
from lottery_plugins.generation import Completion, GenerationConfig
from lottery_plugins.limits import StopReason
from lottery_plugins.messages import Message
from lottery_plugins.trajectory import Problem, Step, Trajectory

TRAJECTORY = Trajectory(
    task="t", doc_id=1, sample=0, answer="42", stop_reason=StopReason.ANSWERED,
    steps=(Step(kind="retrieve", documents=(("d", 0.5),)), Step(kind="generate", output="42", prompt_tokens=3)),
)  # fmt: skip
COMPLETION = Completion("text", "prompt", prompt_tokens=3, completion_tokens=1, finish_reason="stop", ids=(5, 6))


def test_trajectories_read_back_as_they_were(tmp_path):
    store = SampleStore(tmp_path / "a" / "s.sqlite")
    store.begin()
    store.put("k", TRAJECTORY)
    assert store.get("k") == TRAJECTORY
    assert store.get("other") is None
    again = SampleStore(store.path)
    assert again.begin() == 1
    assert again.get("k") == TRAJECTORY


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)), st.floats(0, 1e6))
def test_completions_read_back_as_they_were(tmp_path_factory, text, prompt, seconds):
    store = SampleStore(tmp_path_factory.getbasetemp() / "completions.sqlite")
    completion = replace(COMPLETION, text=text, prompt=prompt, seconds=seconds)
    store.put_completion("sample", "request", completion)
    assert SampleStore(store.path).completions("sample") == {"request": completion}
    assert store.completions("other") == {}


def test_complete_run_starts_afresh(tmp_path):
    store = SampleStore(tmp_path / "s.sqlite")
    store.begin()
    store.put("k", TRAJECTORY)
    store.put_completion("failed", "r", COMPLETION)
    store.mark_complete()
    again = SampleStore(store.path)
    assert again.begin() == 0
    assert again.count_completions() == 0


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


def test_run_killed_again_and_again_computes_nothing_twice(tmp_path):
    store, log = tmp_path / "s.sqlite", tmp_path / "log"
    log.touch()
    program = [sys.executable, str(Path(__file__).with_name("run_to_be_killed.py")), str(store), str(log)]
    chance, kills, status = random.Random(0), 0, None
    while status != 0:
        process = subprocess.Popen(program)
        enough = log.stat().st_size + chance.randint(1, 100)  # bytes: about eight lines
        while process.poll() is None and (kills >= 20 or log.stat().st_size < enough):
            time.sleep(0.0005)
        process.kill()
        status = process.wait()
        assert status in (0, -signal.SIGKILL)
        kills += status != 0
        assert SampleStore(store).begin() == len({line for line in log.read_text().splitlines() if "finished" in line})
    assert kills >= 5
    done = set()
    for word, *what in (line.split() for line in log.read_text().splitlines()):
        if word == "call":
            assert tuple(what) not in done
            assert (what[0],) not in done
        else:
            done.add(tuple(what))
    assert len(done) == 12 * 5 + 12


def _write(path, name):
    store = SampleStore(path)
    store.begin()
    for i in range(50):
        store.put_completion(name, str(i), COMPLETION)
        store.put(f"{name}{i}", TRAJECTORY)


def test_several_processes_write_one_store(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(tmp_path / "s.sqlite", name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    store = SampleStore(tmp_path / "s.sqlite")
    assert store.begin() == store.count_completions() == 150


def _open_at(path, moment):
    time.sleep(max(0.0, moment - time.time()))
    SampleStore(path).begin()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_that_make_one_store_at_the_same_moment_all_open_it(tmp_path):
    context = multiprocessing.get_context("fork")
    for i in range(20):
        moment = time.time() + 0.02
        path = tmp_path / f"{i}.sqlite"
        processes = [context.Process(target=_open_at, args=(path, moment)) for _ in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
        assert [process.exitcode for process in processes] == [0, 0, 0, 0]


def test_full_disk_is_one_clear_sentence_and_loses_nothing(tmp_path):
    store = SampleStore(tmp_path / "s.sqlite")
    store.put("k", TRAJECTORY)
    store.put_completion("next", "r", COMPLETION)
    store._db.execute("PRAGMA max_page_count = 8")  # pages: the tables take 7
    big = replace(TRAJECTORY, answer="x" * 100_000)
    with pytest.raises(StoreError, match=r"full.*LOTTERY_CACHE"):
        store.put("next", big)
    assert store.get("k") == TRAJECTORY
    assert store.completions("next") == {"r": COMPLETION}
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.put("next", big)
    assert SampleStore(store.path).begin() == 2


@pytest.mark.parametrize("version", [0, 1, 99])
def test_store_of_another_version_is_emptied_with_a_warning(tmp_path, caplog, version):
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("CREATE TABLE samples (key TEXT PRIMARY KEY, trajectory TEXT NOT NULL)")
        db.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        db.execute("INSERT INTO samples VALUES ('k', '{}')")
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    store = SampleStore(tmp_path / "s.sqlite")
    with caplog.at_level(logging.WARNING):
        assert store.begin() == 0
    assert "of another version" in caplog.text
    store.put("k", TRAJECTORY)
    caplog.clear()
    assert SampleStore(store.path).begin() == 1
    assert not caplog.records


def test_database_of_another_program_is_left_as_it_is(tmp_path):
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("CREATE TABLE samples (price REAL)")
        db.execute("CREATE TABLE customers (name TEXT)")
    db.close()
    with pytest.raises(StoreError, match="another program's: it has a table 'customers'"):
        SampleStore(tmp_path / "s.sqlite").begin()
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        assert len(db.execute("SELECT name FROM sqlite_master").fetchall()) == 2
    db.close()


@pytest.mark.parametrize("value", [b"not JSON", b'{"text": "t"}', b'{"text": "t", "ids": [], "colour": 1}', b"\xff"])
def test_row_that_is_no_completion_is_one_clear_sentence(tmp_path, value):
    store = SampleStore(tmp_path / "s.sqlite")
    store.begin()
    store._db.execute("INSERT INTO completions VALUES ('s', 'r', ?)", (value,))
    with pytest.raises(StoreError, match="holds something else"):
        store.completions("s")


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
        {"doc_id": 1}, {"popularity": 0.0}, {"messages": (Message("system", "q"),)},
        {"config": GenerationConfig(max_tokens=2)},
    ],
)  # fmt: skip
def test_samples_that_differ_have_different_keys(change):
    base = {"task": "t", "doc_id": 0, "messages": (Message("user", "q"),), "question": "q"}
    assert problem_key(Problem(**base)) != problem_key(Problem(**{**base, **change}))
    assert problem_key(Problem(**base)) == problem_key(Problem(**base))
