"""The memory that a run's problems share, in memory and in a file, by one process and by several."""

import sqlite3
import subprocess
import sys

import pytest

from lottery_plugins.errors import ConfigError, DataError
from lottery_plugins.memory.sqlite import Sqlite
from lottery_plugins.testing.contracts.memory import check_memory

WRITER = """
import sys
from lottery_plugins.memory.sqlite import Sqlite
store = Sqlite(path=sys.argv[1]).open()
print("ready", flush=True)
sys.stdin.readline()
for i in range(40):
    store.write(f"{sys.argv[2]}-{i}", "x" * i)
    store.write("shared", sys.argv[2])
"""


def test_a_file_keeps_the_contract_of_a_memory_that_keeps(tmp_path):
    check_memory(Sqlite, options={"path": str(tmp_path / "m.sqlite")}, keeps=True)


def test_entries_without_a_file_end_with_the_store():
    Sqlite().open().write("a", "1")
    assert list(Sqlite().open().keys()) == []


def test_a_file_is_found_again_and_namespaces_are_apart(tmp_path):
    path = str(tmp_path / "m.sqlite")
    store = Sqlite(path=path).open()
    store.write("a\0b", "1\0\ud800")
    store.close()
    assert Sqlite(path=path).open().read("a\0b") == "1\0\ud800"
    assert Sqlite(path=path, namespace="other").open().render() == ""


def test_the_oldest_entry_of_the_namespace_gives_way(tmp_path):
    path = str(tmp_path / "m.sqlite")
    other = Sqlite(path=path, namespace="other").open()
    other.write("a", "kept")
    store = Sqlite(path=path, max_entries=2).open()
    for key, value in (("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")):
        store.write(key, value)
    assert store.render() == "b: 2\nc: 4"
    assert other.read("a") == "kept"


def test_what_is_too_long_is_cut_at_its_end():
    store = Sqlite(max_chars=5).open()
    store.write("key", "value")
    assert store.read("key") == "va"


def test_entries_are_found_by_their_words_rare_ones_first():
    store = Sqlite().open()
    for key, value in (("a", "the red ship"), ("b", "the blue ship sails"), ("ship", "the old one"), ("c", "nothing")):
        store.write(key, value)
    assert list(store.find("Where does the BLUE ship go?", 2)) == [
        ("b", "the blue ship sails"),
        ("ship", "the old one"),
    ]
    assert list(store.find("unknown words", 2)) == []


def test_several_processes_write_one_new_file_at_once(tmp_path):
    path = str(tmp_path / "m.sqlite")
    start = [sys.executable, "-c", WRITER, path]
    pipe = subprocess.PIPE
    writers = [subprocess.Popen([*start, name], stdin=pipe, stdout=pipe, text=True) for name in "ABC"]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.stdin.close()
        writer.stdout.close()
    store = Sqlite(path=path).open()
    assert sorted(store.keys()) == sorted(["shared", *(f"{name}-{i}" for name in "ABC" for i in range(40))])
    assert store.read("shared") in "ABC"


def test_a_file_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs (a)")
    db.close()
    with pytest.raises(DataError, match=r"sqlite.path=.*another program's"):
        Sqlite(path=str(path)).open()


@pytest.mark.parametrize("content", [b"no database" * 100, None])
def test_what_is_no_database_is_told(tmp_path, content):
    path = tmp_path / "m"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(DataError, match="can't be used"):
        Sqlite(path=str(path)).open()


@pytest.mark.parametrize("options", [{"max_entries": 0}, {"max_chars": 0}, {"namespace": ""}])
def test_bad_options_are_refused(options):
    with pytest.raises(ConfigError, match="memory: sqlite"):
        Sqlite(**options)
