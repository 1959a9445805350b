"""The language of the tape, what its commands do, and its limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError, ToolError
from lottery_plugins.memory.tape import Tape
from lottery_plugins.memory.tape_commands import Address, Command, parse_command


def tape(*lines, **options):
    store = Tape(**options).open()
    for line in lines:
        store.command("tape", {"command": line})
    return store


def do(store, command):
    return store.command("tape", {"command": command}).text


# ---------------------------------------------------------------- the language


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("READ", Command("READ", Address("head"))),
        ("  read 12 ", Command("READ", Address("number", number=12))),
        ("READ: x", Command("READ", Address("name", "x"))),
        ("READ @-2", Command("READ", Address("head", number=-2))),
        ("READ @[@[x]]", Command("READ", Address("name", "x", depth=2))),
        ('WRITE 3 "a b"', Command("WRITE", Address("number", number=3), text="a b")),
        ("WRITE 3, READ 4", Command("WRITE", Address("number", number=3), text="READ 4")),
        ("WRITE @ 1", Command("WRITE", Address("head"), text="1")),
        ('x = "17"', Command("WRITE", Address("name", "x"), text="17")),
        ("read = 5", Command("WRITE", Address("name", "read"), text="5")),
        ('x = ""', Command("WRITE", Address("name", "x"), text="")),
        ("COPY 1 -> @+1", Command("COPY", Address("number", number=1), Address("head", number=1))),
        ("COPY @[1],@[2]", Command("COPY", Address("number", number=1, depth=1), Address("number", number=2, depth=1))),
        ("move 1 to x", Command("MOV", Address("number", number=1), Address("name", "x"))),
        ("JUMP to -7", Command("JUMP", Address("number", number=-7))),
    ],
)
def test_a_line_is_read_as_documented(line, command):
    assert parse_command(line) == command


@pytest.mark.parametrize(
    "line",
    ["", "READ 1 2", "WRITE", "WRITE 3", "COPY 1", "COPY 1 2 3", "JUMP", "JUMP 1.5", "DELETE 3", "READX 3", "x == ",
     "READ 1234567890123456789", "READ @[", "READ @[]", f"READ {'@[' * 9}x{']' * 9}"],
)  # fmt: skip
def test_what_is_no_command_is_refused_with_the_language(line):
    if line == "x == ":  # an assignment of "= "
        assert parse_command(line) == Command("WRITE", Address("name", "x"), text="=")
        return
    assert parse_command(line) is None
    with pytest.raises(ToolError, match="READ cell, WRITE cell text"):
        tape(line)


@given(st.text(max_size=80))
def test_any_text_is_answered(text):
    try:
        told = do(tape(), text)
    except ToolError as error:
        told = error.category
    assert isinstance(told, str)


# ---------------------------------------------------------------- what commands do


def test_lines_are_carried_out_in_turn_and_answered_each():
    store = tape()
    assert do(store, "WRITE 0 a\nCOPY 0 1\nMOV 0 x\nREAD 0\nREAD x\nJUMP 1\nREAD") == (
        "0: a\n1: a\nx: a\nempty\na\n@ is cell 1\na"
    )
    assert store.render() == "1: a\nx: a\n@ is cell 1"


def test_the_line_that_fails_is_named_and_those_before_it_are_done():
    store = tape("WRITE 5 here")
    with pytest.raises(ToolError, match=r"cannot jump to the named cell 'home' in 'JUMP home'"):
        do(store, "WRITE 1 done\nJUMP home\nWRITE 2 not")
    assert store.read("1") == "done"
    assert store.read("2") is None


def test_a_cell_names_another_one():
    assert do(tape("WRITE p 12", "WRITE 12 q", "WRITE q gold"), "READ @[@[p]]") == "gold"
    with pytest.raises(ToolError, match="cell p holds 'empty', which names no cell"):
        do(tape(), "READ @[p]")
    with pytest.raises(ToolError, match="names no cell"):
        do(tape("WRITE p @[q]"), "READ @[p]")


def test_writing_blank_and_copying_blank_empty_a_cell():
    assert tape("WRITE 1 a", "WRITE 1 empty").render() == ""
    assert tape("WRITE 1 a", "COPY 2 1").render() == ""
    assert do(tape(blank="0"), "READ 9") == "0"


def test_moving_a_cell_onto_itself_leaves_it():
    assert tape("WRITE 1 a", "MOV 1 1", "COPY 1 1").read("1") == "a"


def test_a_full_tape_refuses_commands_and_can_still_be_moved_on():
    store = tape("WRITE 0 a", "WRITE 1 b", max_cells=2)
    with pytest.raises(ToolError, match="no cell left for 'WRITE 2 c'"):
        do(store, "WRITE 2 c")
    assert do(store, "WRITE 1 c\nMOV 0 2\nREAD 2") == "1: c\n2: a\na"


def test_remembering_on_a_full_tape_lets_the_oldest_cell_go():
    store = tape("WRITE 0 a", "WRITE 1 b", max_cells=2)
    store.write("2", "c")
    assert list(store.keys()) == ["1", "2"]


@pytest.mark.parametrize(
    ("options", "command", "told"),
    [
        ({"max_chars": 3}, "WRITE 1 abcd", "writes 4 characters"),
        ({"max_commands": 2}, "READ\nREAD\nREAD", "3 commands are too many"),
    ],
)
def test_limits_are_told(options, command, told):
    with pytest.raises(ToolError, match=told) as caught:
        do(tape(**options), command)
    assert caught.value.category == "limit"


@pytest.mark.parametrize("options", [{"max_cells": 0}, {"max_chars": 0}, {"max_commands": 0}, {"blank": "a\nb"}])
def test_bad_options_are_refused(options):
    with pytest.raises(ConfigError, match="memory: tape"):
        Tape(**options)
