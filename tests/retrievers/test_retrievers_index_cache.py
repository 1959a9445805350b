"""The cache: one folder per key, whole or not there, whoever writes and whatever happens to it."""

import errno
import logging
import multiprocessing
from pathlib import Path

import pytest

from lottery_plugins.retrievers.index_cache import IndexCache, IndexCacheError


def writing(text, calls=None):
    def write(folder):
        if calls is not None:
            calls.append(folder)
        (folder / "inner").mkdir()
        (folder / "inner" / "a.txt").write_text(text)
        (folder / "empty.bin").touch()

    return write


def content(folder):
    return (folder / "inner" / "a.txt").read_text()


@pytest.fixture
def cache(tmp_path):
    return IndexCache(tmp_path / "deep" / "cache")


def test_a_folder_is_made_once_and_then_opened(cache):
    calls = []
    first = cache.folder("k", writing("1", calls))
    assert (first, content(first)) == (cache.root / "k", "1")
    assert cache.folder("k", writing("2", calls)) == first
    assert (len(calls), content(first)) == (1, "1")
    assert content(cache.folder("other", writing("2", calls))) == "2"


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "inner" / "a.txt").write_text("x"),
        lambda folder: (folder / "inner" / "a.txt").write_text("longer than it was"),
        lambda folder: (folder / "empty.bin").unlink(),
        lambda folder: (folder / "added").touch(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: (folder / "manifest.json").unlink(),
    ],
)
def test_a_damaged_folder_is_made_again_with_one_sentence(cache, caplog, damage):
    damage(cache.folder("k", writing("1")))
    with caplog.at_level(logging.WARNING):
        assert content(cache.folder("k", writing("2"))) == "2"
    (record,) = caplog.records
    assert record.getMessage().startswith(f"The index in {cache.root / 'k'} is damaged (")
    assert record.getMessage().endswith(") and is made again.")


def test_a_writer_that_fails_leaves_nothing_and_its_error_is_seen(cache):
    def fail(folder):
        writing("half")(folder)
        raise ValueError("bad document")

    with pytest.raises(ValueError, match="bad document"):
        cache.folder("k", fail)
    assert not [path for path in cache.root.iterdir() if path.is_dir()]
    assert content(cache.folder("k", writing("1"))) == "1"


def test_what_a_killed_process_left_half_written_is_removed(cache):
    left = cache.root / "k.abc.part"
    left.mkdir(parents=True)
    (left / "half").touch()
    cache.folder("k", writing("1"))
    assert sorted(path.name for path in cache.root.iterdir() if path.is_dir()) == ["k"]


def test_a_full_disk_is_the_caches_error_and_a_missing_model_is_not(cache):
    def full(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    def missing(folder):
        raise FileNotFoundError("no such model")

    with pytest.raises(IndexCacheError, match="No space left"):
        cache.folder("k", full)
    with pytest.raises(FileNotFoundError, match="no such model"):
        cache.folder("k", missing)


def test_a_place_that_can_not_be_written_is_the_caches_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(IndexCacheError, match="can't be written"):
        IndexCache(tmp_path / "file" / "cache").folder("k", writing("1"))


def _ask(root, number, start, answers):
    def write(folder):
        (folder / "who").write_text(str(number))
        with (root / "calls").open("a") as file:
            file.write(f"{number}\n")

    start.wait(30)
    answers.put((IndexCache(root).folder("k", write) / "who").read_text())


def test_of_several_processes_one_makes_the_folder_and_all_get_it(tmp_path):
    context = multiprocessing.get_context("fork")
    start, answers = context.Barrier(3), context.Queue()
    workers = [context.Process(target=_ask, args=(tmp_path, i, start, answers)) for i in range(3)]
    for worker in workers:
        worker.start()
    found = {answers.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(60)
    assert found == {(tmp_path / "calls").read_text().strip()}
    assert [worker.exitcode for worker in workers] == [0, 0, 0]


def test_a_folder_that_others_made_is_opened_where_nothing_can_be_written(cache, monkeypatch):
    made = cache.folder("k", writing("1"))

    def refuse(*_, **__):
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert cache.folder("k", writing("2")) == made
    with pytest.raises(IndexCacheError, match="Read-only"):
        cache.folder("other", writing("2"))
