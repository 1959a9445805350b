import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.documents import Document
from lottery_plugins.errors import DataError
from lottery_plugins.retrievers.knowledge_base import load_knowledge_base


@pytest.fixture()
def write(tmp_path):
    def make(text, name="kb.jsonl"):
        path = tmp_path / name
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return make


LINES = (
    '{"id": "a", "title": "T", "text": "one"}\n\n{"text": "two", "other": 1}\n{"id": 7, "title": null, "text": "three"}'
)


@pytest.mark.parametrize("name", ["kb.jsonl", "kb.jsonl.gz"])
def test_documents_come_in_order_with_ids(write, name):
    assert load_knowledge_base(write(LINES, name)) == (
        Document("a", "one", "T"),
        Document("line-3", "two"),
        Document("7", "three"),
    )


def test_a_byte_order_mark_is_skipped(write):
    assert load_knowledge_base(write(b'\xef\xbb\xbf{"text": "one"}')) == (Document("line-1", "one"),)


GOOD = '{"id": "a", "text": "one"}\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "kb.jsonl is an empty knowledge base"),
        ("\n \n", "kb.jsonl is an empty knowledge base"),
        (GOOD + "{oops", "kb.jsonl:2 is not valid JSON"),
        (GOOD + "[" * 100_000, "kb.jsonl:2 is not valid JSON"),
        (GOOD + '["text"]', "kb.jsonl:2 is a JSON array, not an object"),
        (GOOD + '{"id": "b", "title": "x"}', r"kb.jsonl:2 has no field 'text' \(its fields: 'id', 'title'\)"),
        (GOOD + '{"text": 5}', "kb.jsonl:2 has a field 'text' that is a JSON number, not a string"),
        (GOOD + '{"text": "x", "title": []}', "kb.jsonl:2 has a field 'title' that is a JSON array, not a string"),
        (GOOD + '{"text": "x", "id": true}', "kb.jsonl:2 has a field 'id' that is a JSON boolean, not a string"),
        (GOOD + '{"text": "  "}', "kb.jsonl:2 has an empty field 'text'"),
        (GOOD + "\n" + GOOD, "kb.jsonl:3 repeats the id 'a' of line 1"),
        (GOOD.encode() + b'{"text": "\xff"}', "kb.jsonl:2 is not UTF-8 text"),
    ],
)
def test_a_bad_file_is_refused_by_file_and_line(write, text, problem):
    with pytest.raises(DataError, match=problem):
        load_knowledge_base(write(text))


def test_files_that_can_not_be_read_are_named(tmp_path, write):
    with pytest.raises(DataError, match=r"gone\.jsonl does not exist"):
        load_knowledge_base(tmp_path / "gone.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DataError, match="can't be read"):
        load_knowledge_base(tmp_path / "folder.jsonl")
    with pytest.raises(DataError, match=r"Allowed are \.jsonl and \.jsonl\.gz"):
        load_knowledge_base(write(GOOD, "kb.csv"))


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: b"plain", lambda data: data[:12] + b"x" * 20])
def test_a_damaged_gzip_file_is_told_from_bad_json(write, damage):
    path = write(GOOD * 1, "kb.jsonl.gz")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="is not a whole gzip file"):
        load_knowledge_base(path)


@given(texts=st.lists(st.text(min_size=1).filter(str.strip), min_size=1, max_size=6), ascii_only=st.booleans())
def test_any_text_comes_back_as_it_was(tmp_path_factory, texts, ascii_only):
    path = tmp_path_factory.mktemp("kb") / "kb.jsonl"
    rows = [{"id": f"d{i}", "text": text} for i, text in enumerate(texts)]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows), encoding="utf-8", newline="\n")
    assert [document.text for document in load_knowledge_base(path)] == texts
