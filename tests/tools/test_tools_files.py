"""The virtual file system keeps what it is given, and nothing leads out of it."""

import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.testing.contracts.tool import check_tool_set
from lottery_plugins.tools.file_system.store import FilesError, normalised
from lottery_plugins.tools.files import Files

GOOD_CALLS = [
    ("list_files", {}, "There are no files."),
    ("write_file", {"path": "/notes//plan.txt", "content": "one\ntwo"}, "Wrote notes/plan.txt (7 characters)."),
    ("append_file", {"path": "notes/plan.txt", "content": "\nthree"}, "Appended to notes/plan.txt (6 characters)."),
    ("read_file", {"path": "./notes/plan.txt"}, "one\ntwo\nthree"),
    ("read_file", {"path": "notes/plan.txt", "first_line": 2, "num_lines": "1"}, "two"),
    ("copy_file", {"source": "notes/plan.txt", "target": "b"}, "Copied notes/plan.txt to b."),
    ("move_file", {"source": "b", "target": "notes\\plan.txt"}, "Moved b to notes/plan.txt, which was replaced."),
    ("write_file", {"path": "n", "content": 12}, "Wrote n (2 characters)."),
    ("list_files", {}, "n (2 characters)\nnotes/plan.txt (13 characters)"),
    ("list_files", {"folder": "notes"}, "notes/plan.txt (13 characters)"),
    ("delete_file", {"path": "notes/plan.txt"}, "Deleted notes/plan.txt."),
    ("list_files", {}, "n (2 characters)"),
]


class Desk:
    """An opened set whose tools are called by name."""

    def __init__(self, **options):
        self.tools = {tool.name: tool for tool in Files(**options).open()}

    def __call__(self, tool, **arguments):
        return self.tools[tool].call(arguments).text


def test_the_set_keeps_the_contract():
    check_tool_set(Files, good_calls=GOOD_CALLS)


@pytest.mark.parametrize(
    ("tool", "arguments", "problem", "category"),
    [
        ("read_file", {"path": "b"}, "there is no file 'b'; files: a, d/e", "domain"),
        ("read_file", {"path": "d"}, "'d' is a folder, not a file", "domain"),
        ("read_file", {"path": "../etc/passwd"}, "leads outside of the files of this problem", "denied"),
        ("read_file", {"path": "a", "first_line": 9}, "the file has 1 lines", "domain"),
        ("read_file", {"path": "a", "first_line": 0}, "are 1 or more", "arguments"),
        ("read_file", {"path": "a", "first_line": "x"}, "'first_line' must be a whole number", "arguments"),
        ("read_file", {"path": "a\x00b"}, "has a character that can't be shown", "arguments"),
        ("read_file", {"path": "a", "mode": "r"}, "no argument is called 'mode'; allowed: 'path'", "arguments"),
        ("read_file", {}, "the argument 'path' is missing. Send path, first_line, num_lines.", "arguments"),
        ("write_file", {"path": "a/b", "content": "x"}, "'a' is a file, so nothing can be below it", "domain"),
        ("write_file", {"path": "d", "content": "x"}, "'d' is a folder, not a file", "domain"),
        ("write_file", {"path": "x/", "content": "x"}, "'x' is a folder, not a file", "domain"),
        ("write_file", {"path": "/", "content": "x"}, "'/' is a folder, not a file", "domain"),
        ("write_file", {"path": "x", "content": ["x"]}, "'content' must be text, not list", "arguments"),
        ("write_file", {"path": "x" * 256, "content": ""}, "longer than 255 characters", "limit"),
        ("write_file", {"path": "x/" * 17 + "y", "content": ""}, "more than 16 folders", "limit"),
        ("copy_file", {"source": "a", "target": "./a"}, "'a' is both source and target", "domain"),
        ("move_file", {"source": "a", "target": "a/b"}, "'a' is a file, so nothing can be below it", "domain"),
        ("delete_file", {"path": "d"}, "'d' is a folder, not a file", "domain"),
        ("list_files", {"folder": "x"}, "there is no folder 'x'", "domain"),
    ],
)
def test_what_can_not_be_done_is_told_and_changes_nothing(tool, arguments, problem, category):
    desk = Desk()
    desk("write_file", path="a", content="1")
    desk("write_file", path="d/e", content="2")
    before = desk("list_files")
    with pytest.raises(ToolError) as caught:
        desk(tool, **arguments)
    assert problem in str(caught.value)
    assert caught.value.category == category
    assert desk("list_files") == before


def test_limits_are_kept_and_a_refused_move_keeps_its_file():
    desk = Desk(max_files=2, max_file_chars=5, max_total_chars=8)
    desk("write_file", path="a", content="12345")
    with pytest.raises(ToolError, match="'content' is longer than 5"):
        desk("write_file", path="b", content="123456")
    with pytest.raises(ToolError, match="a file has at most 5"):
        desk("append_file", path="a", content="6")
    with pytest.raises(ToolError, match="together have at most 8"):
        desk("copy_file", source="a", target="b")
    desk("write_file", path="b", content="1")
    with pytest.raises(ToolError, match="there are 2 files"):
        desk("write_file", path="c", content="")
    desk("move_file", source="b", target="c")
    assert desk("list_files") == "a (5 characters)\nc (1 characters)"


def test_long_texts_are_read_in_parts_and_long_lists_are_cut_aloud():
    desk = Desk(max_shown_chars=20)
    desk("write_file", path="a", content="0123456789\n" * 3)
    with pytest.raises(ToolError, match=r"too long to be shown, 33 characters in 4 lines; at most 20 are"):
        desk("read_file", path="a")
    assert desk("read_file", path="a", first_line=3, num_lines=1) == "0123456789"
    desk("write_file", path="b", content="")
    assert desk("read_file", path="b") == "(empty)"
    assert desk("list_files") == "a (33 characters)\n... and 1 more"


@pytest.mark.parametrize("option", ["max_files", "max_file_chars", "max_total_chars", "max_shown_chars"])
def test_options_out_of_range_are_refused(option):
    with pytest.raises(ConfigError, match=f"files.{option}"):
        Files(**{option: 0})


@given(st.lists(st.sampled_from(("..", ".", "", "a", "b c", "...")), max_size=8).map("/".join))
def test_a_path_is_what_a_real_file_system_makes_of_it_or_refused(path):
    real = posixpath.normpath(path.lstrip("/") or ".")
    try:
        assert normalised(path) == ("" if real == "." else real)
    except FilesError:
        assert real.startswith("..") or "/.." in f"/{path}"
    else:
        assert normalised(normalised(path)) == normalised(path)


STEPS = st.tuples(
    st.sampled_from(("write", "append", "copy", "move", "delete")),
    st.sampled_from("abc"),
    st.sampled_from("abc"),
    st.text(max_size=3),
)


@settings(deadline=None)
@given(st.lists(STEPS, max_size=12))
def test_files_are_what_a_dict_would_be(steps):
    desk, expected = Desk(), {}
    for act, first, second, text in steps:
        text = text.encode("utf-8", "replace").decode()
        try:
            if act in ("write", "append"):
                desk(f"{act}_file", path=first, content=text)
                expected[first] = (expected.get(first, "") if act == "append" else "") + text
            elif act == "delete":
                desk("delete_file", path=first)
                del expected[first]
            else:
                desk(f"{act}_file", source=first, target=second)
                expected[second] = expected.pop(first) if act == "move" else expected[first]
        except ToolError:
            assert first not in expected or first == second
    assert {path: desk("read_file", path=path) for path in expected} == {p: t or "(empty)" for p, t in expected.items()}
    assert desk("list_files").count("characters)") == len(expected)
