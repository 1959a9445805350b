"""The tape against a reference interpreter that knows no text, and as the tape of Turing machines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import ToolError
from lottery_plugins.memory.tape import Tape

NAMES = ("x", "step_2", "READ_me")


def do(store, command):
    return store.command("tape", {"command": command}).text


# ---------------------------------------------------------------- against a reference interpreter

numbers = st.integers(-3, 3)
cells = st.one_of(
    st.tuples(st.just("number"), numbers),
    st.tuples(st.just("name"), st.sampled_from(NAMES)),
    st.tuples(st.just("head"), numbers),
    st.tuples(st.just("held"), numbers | st.sampled_from(NAMES)),
)
texts = st.sampled_from(("a", "two words", '"', "1", "-2", "x", "step_2", "= 5", "empty"))
operations = st.one_of(
    st.tuples(st.just("READ"), cells),
    st.tuples(st.just("WRITE"), cells, texts),
    st.tuples(st.just("COPY"), cells, cells),
    st.tuples(st.just("MOV"), cells, cells),
    st.tuples(st.just("JUMP"), cells),
)


class Refused(Exception):
    pass


class Reference:
    """Cells in two dicts by number and name; knows operations, no text of them."""

    def __init__(self):
        self.numbered, self.named, self.head = {}, {}, 0

    def place(self, cell):
        kind, where = cell
        if kind == "head":
            return self.numbered, self.head + where
        if kind != "held":
            return (self.numbered if kind == "number" else self.named), where
        held = (self.numbered if isinstance(where, int) else self.named).get(where)
        if held in (*NAMES, "a"):
            return self.named, held
        try:
            return self.numbered, int(held)
        except (TypeError, ValueError):
            raise Refused from None

    def get(self, place):
        row, where = place
        return row.get(where, "empty")

    def put(self, place, text):
        row, where = place
        row[where] = text
        if text == "empty":
            del row[where]

    def do(self, operation):
        verb, cell, *rest = operation
        place = self.place(cell)
        if verb == "READ":
            return self.get(place)
        if verb == "WRITE":
            self.put(place, rest[0])
        elif verb == "JUMP":
            if place[0] is self.named:
                raise Refused
            self.head = place[1]
        else:
            target = self.place(rest[0])
            text = self.get(place)
            if verb == "MOV":
                self.put(place, "empty")
            self.put(target, text)
        return None


def written(cell):
    kind, where = cell
    if kind == "head":
        return f"@{where:+d}" if where else "@"
    return f"@[{where}]" if kind == "held" else str(where)


def line_of(operation):
    verb, cell, *rest = operation
    if verb == "WRITE":
        return f'WRITE {written(cell)} "{rest[0]}"'
    return " ".join([verb, written(cell), *(written(target) for target in rest)])


@given(st.lists(operations, max_size=25))
def test_every_program_does_what_the_reference_does(program):
    store, reference = Tape().open(), Reference()
    for operation in program:
        try:
            expected = reference.do(operation)
        except Refused:
            with pytest.raises(ToolError):
                do(store, line_of(operation))
            continue
        got = do(store, line_of(operation))
        assert expected is None or got == expected
        held = {str(n): t for n, t in reference.numbered.items()} | reference.named
        assert {key: store.read(key) for key in store.keys()} == held  # noqa: SIM118 - a store is no dict
        assert store.head == reference.head


# ---------------------------------------------------------------- as a Turing machine

BUSY_BEAVER = {  # 4 states, 2 symbols: halts after 107 steps with 13 ones
    ("A", "0"): ("1", 1, "B"), ("A", "1"): ("1", -1, "B"),
    ("B", "0"): ("1", -1, "A"), ("B", "1"): ("0", -1, "C"),
    ("C", "0"): ("1", 1, "H"), ("C", "1"): ("1", -1, "D"),
    ("D", "0"): ("1", 1, "D"), ("D", "1"): ("0", 1, "A"),
}  # fmt: skip


def run_on_tape(rules, max_steps):
    """A finite control that sees nothing of the tape but what READ answers; its state stands in a named cell."""
    store = Tape(blank="0").open()
    do(store, "state = A")
    for step in range(max_steps):
        state, symbol = do(store, "READ state\nREAD").split("\n")
        if (state, symbol) not in rules:
            return store, step
        new, move, state = rules[state, symbol]
        do(store, f"WRITE @ {new}\nJUMP @{move:+d}\nWRITE state {state}")
    return store, max_steps


def run_directly(rules, max_steps):
    cells, head, state = {}, 0, "A"
    for step in range(max_steps):
        symbol = cells.get(head, "0")
        if (state, symbol) not in rules:
            return cells, head, step
        cells[head], move, state = rules[state, symbol]
        head += move
    return cells, head, max_steps


def test_the_busy_beaver_of_four_states_runs_on_the_tape():
    store, steps = run_on_tape(BUSY_BEAVER, 200)
    ones = [key for key in store.keys() if key != "state"]  # noqa: SIM118 - a store is no dict
    assert (steps, len(ones)) == (107, 13)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("ABC"), st.sampled_from("012")),
        st.tuples(st.sampled_from("012"), st.sampled_from((-1, 1)), st.sampled_from("ABCH")),
        max_size=9,
    )
)
def test_any_machine_leaves_the_tape_that_it_leaves_without_us(rules):
    store, steps = run_on_tape(rules, 30)
    cells, head, direct_steps = run_directly(rules, 30)
    assert steps == direct_steps
    assert store.head == head
    left = {int(k): store.read(k) for k in store.keys() if k != "state"}  # noqa: SIM118 - a store is no dict
    assert left == {n: s for n, s in cells.items() if s != "0"}
