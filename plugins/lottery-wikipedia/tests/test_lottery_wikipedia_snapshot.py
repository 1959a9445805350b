"""Files of recorded responses."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("wikipediaapi")

from lottery_wikipedia import WikipediaRetriever, WikipediaTools
from lottery_wikipedia.snapshot import Recording, Snapshot
from wikipedia_server import AGENT, PAGES

from lottery_plugins.errors import ConfigError, DataError


def test_several_processes_record_to_one_file(wiki, tmp_path):
    path = tmp_path / "wiki.jsonl"
    program = (
        "import sys; from lottery_wikipedia import WikipediaTools\n"
        f"_, summary, _ = WikipediaTools({AGENT!r}, mirror={wiki.address!r}, record={str(path)!r}).open()\n"
        "for title in sys.argv[1:]: summary.call({'title': title})\n"
    )
    titles = list(PAGES)
    orders = (titles, titles[::-1], titles[1:] + titles[:1])
    started = [subprocess.Popen([sys.executable, "-c", program, *order], env=os.environ) for order in orders]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    questions = [json.loads(line).get("page") for line in path.read_text().splitlines()[1:]]
    assert sorted(questions) == sorted(titles)
    assert set(Snapshot(path).responses) == {(("language", "en"), ("page", title)) for title in titles}


def test_a_line_that_a_killed_process_left_is_not_read_and_is_written_over(tmp_path):
    path = tmp_path / "wiki.jsonl"
    first, second, third = ((("language", "en"), ("page", title)) for title in "abc")
    Recording(path).add(first, {"a": 1})
    with path.open("ab") as file:
        file.write(b'{"language": "en", "pa')
    assert list(Snapshot(path).responses) == [first]
    recording = Recording(path)
    assert recording.find(first) == {"a": 1}
    recording.add(second, {"b": 2})
    recording.add(third, {"c": "\ud800"})
    assert list(Snapshot(path).responses.values()) == [{"a": 1}, {"b": 2}, {"c": "\ud800"}]


def test_the_first_of_two_recorded_answers_counts(tmp_path):
    question = (("language", "en"), ("page", "a"))
    mine, other = Recording(tmp_path / "wiki.jsonl"), Recording(tmp_path / "wiki.jsonl")
    assert mine.find(question) is None
    assert other.add(question, {"a": 1}) == {"a": 1}
    assert mine.add(question, {"a": 2}) == {"a": 1}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"id": "x", "text": "a knowledge base"}\n', "does not begin with"),
        (b"not JSON\n", "is not JSON"),
        (b'{"snapshot": "wikipedia", "version": 1}\n{"language": "en"}\n', "has no response"),
    ],
)
def test_a_file_that_is_no_snapshot_is_found_out_before_the_run(tmp_path, content, problem):
    path = tmp_path / "wiki.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem):
        WikipediaTools(replay=str(path)).open()
    with pytest.raises(DataError, match=problem):
        WikipediaRetriever(AGENT, record=str(path)).build(())


def test_files_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(DataError, match="is not a file"):
        WikipediaTools(replay=str(tmp_path / "no.jsonl"))
    with pytest.raises(DataError, match="folder that does not exist"):
        WikipediaTools(AGENT, record=str(tmp_path / "no" / "wiki.jsonl"))
    with pytest.raises(ConfigError, match="none beside replay"):
        WikipediaTools(AGENT, record=str(tmp_path / "a"), replay=str(tmp_path / "b"))
