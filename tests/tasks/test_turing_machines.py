"""The interpreter against one with two stacks, and the tables of the literature against what is known of them."""

import re
from collections import deque
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks.machines import turing
from lottery_plugins.tasks.machines.bi_tag import EXAMPLES, BiTag, Letter, encode
from lottery_plugins.tasks.machines.turing import Configuration, steps_from
from lottery_plugins.tasks.machines.turing_tables import MACHINES, Machine, Rule
from lottery_plugins.tasks.randomness import Rng

BY_NAME = {machine.name: machine for machine in MACHINES}
UNIVERSAL = BY_NAME["neary-woods-15-2"]


def two_stacks(rules, blank, state, left, right, limit):
    """Run a machine whose tape is a stack on each side of the head; yields (state, symbol under the head)."""
    left, right = list(left), list(right)
    for _ in range(limit):
        read = right.pop() if right else blank
        yield state, read
        if (state, read) not in rules:
            right.append(read)
            return
        rule = rules[state, read]
        state = rule.state
        if rule.move > 0:
            left.append(rule.write)
        else:
            right += [rule.write, left.pop() if left else blank]


@st.composite
def machines(draw):
    states, symbols = [f"q{i}" for i in range(1, draw(st.integers(2, 5)))], "012"[: draw(st.integers(2, 3))]
    rule = st.builds(Rule, st.sampled_from(symbols), st.sampled_from([1, -1]), st.sampled_from([*states, "q9"]))
    keys = [(state, symbol) for state in states for symbol in symbols]
    return Machine("drawn", "0", "q1", draw(st.fixed_dictionaries(dict.fromkeys(keys, rule))))


@given(machines(), st.lists(st.sampled_from("01"), min_size=1, max_size=8), st.integers(0, 7))
def test_the_interpreter_does_what_a_machine_of_two_stacks_does(machine, tape, head):
    head %= len(tape)
    start = Configuration("q1", head, dict(enumerate(tape)))
    ours = [(at.state, at.tape.get(at.head, "0")) for at in islice(steps_from(machine, start), 60)]
    assert ours == list(
        two_stacks(machine.rules, "0", "q1", tape[:head], tape[: head - 1 : -1] if head else tape[::-1], 60)
    )


@pytest.mark.parametrize(
    ("name", "steps", "ones"), [("busy-beaver-2", 6, 4), ("busy-beaver-3", 21, 5), ("busy-beaver-4", 107, 13)]
)
def test_busy_beavers_halt_after_their_known_number_of_steps(name, steps, ones):
    machine = BY_NAME[name]
    *_, last = configurations = list(steps_from(machine, Configuration(machine.start, 0, {})))
    assert len(configurations) - 1 == steps
    assert list(last.tape.values()).count("1") == ones


def test_the_table_with_two_states_and_three_symbols_has_its_number_596440():
    machine, number = BY_NAME["wolfram-2-3"], 0
    for state in ("q1", "q2"):
        for symbol in "210":
            rule = machine.rules[state, symbol]
            number = number * 12 + 6 * (int(rule.state[1]) - 1) + 2 * int(rule.write) + (rule.move > 0)
    assert number == 596440


def test_the_universal_table_has_29_rules_and_halts_in_u10_on_b_alone():
    assert len(UNIVERSAL.rules) == 29
    assert len(UNIVERSAL.states) == 15
    assert ("u10", "b") not in UNIVERSAL.rules


def run_universal(rules, system, limit):
    """Steps until U_15,2 halts on a system's tape, and the tape; None when it does not halt in u10 on b."""
    contents, head = encode(system)
    table = {key: (rule.write, rule.move, rule.state) for key, rule in rules.items()}
    tape, state = dict(enumerate(contents)), "u1"
    for count in range(limit):
        key = state, tape.get(head, "c")
        if key not in table:
            whole = "".join(tape.get(cell, "c") for cell in range(min(tape), max(tape) + 1))
            return (count, whole) if key == ("u10", "b") else None
        tape[head], move, state = table[key]
        head += move
    return None


def final_word(system, limit=300):
    """The word in which a bi-tag system halts, by its definition; None when it does not."""
    word = deque((letter.kind, letter.number) for letter in system.word)
    for _ in range(limit):
        kind, number = word.popleft()
        if kind == "a":
            word.append((kind, number))
        elif number == system.active:
            return [(kind, number), *word]
        else:
            *added, last = system.productions[number, word.popleft()[1]]
            word.extend([*(("a", other) for other in added), ("e", last)])
    return None


def written_word(tape):
    """The letters a_i in the last part of a tape, where (cb)^(8i-5) bb stands for a_i."""
    return [(len(pairs) // 2 + 5) / 8 for pairs in re.findall(r"((?:cb)+)bb", tape)]


A, E = (lambda number: Letter("a", number)), (lambda number: Letter("e", number))
HALTING = [
    *EXAMPLES[:2],
    BiTag(1, 2, {(1, 1): (1, 1, 2)}, (A(1), E(1), A(1))),
    BiTag(1, 3, {(1, 1): (1, 2), (2, 1): (1, 1, 3)}, (E(1), A(1), A(1))),
    BiTag(2, 2, {(1, 1): (2, 2), (1, 2): (2, 1, 2)}, (A(2), E(1), A(2))),
    BiTag(1, 2, {(1, 1): (1, 2)}, (A(1), E(2))),
]


@pytest.mark.parametrize("number", range(len(HALTING)))
def test_the_universal_machine_halts_with_the_word_in_which_the_bi_tag_system_does(number):
    system = HALTING[number]
    (_, *letters) = final_word(system)
    _, tape = run_universal(UNIVERSAL.rules, system, 300_000)
    assert written_word(tape)[-len(letters) :] == [float(number) for _, number in letters]


def test_all_example_programs_halt_as_bi_tag_systems():
    assert all(final_word(system) is not None for system in EXAMPLES)


def test_the_universal_machine_runs_on_where_the_bi_tag_system_does():
    endless = BiTag(1, 2, {(1, 1): (1, 1)}, (E(1), A(1)))
    assert final_word(endless) is None
    assert run_universal(UNIVERSAL.rules, endless, 60_000) is None


ALIKE = {("u3", "c", "u8"), ("u9", "c", "u2"), ("u11", "c", "u13")}
"""Rules with another next state that does the same on b, the one symbol that follows there in every run."""


def test_no_rule_of_the_universal_table_could_be_another_one():
    system = HALTING[5]
    done = run_universal(UNIVERSAL.rules, system, 5_000)
    unnoticed = set()
    for key, rule in UNIVERSAL.rules.items():
        others = [replace(rule, write="b" if rule.write == "c" else "c"), replace(rule, move=-rule.move)]
        others += [replace(rule, state=f"u{i}") for i in range(1, 16) if rule.state != f"u{i}"]
        unnoticed |= {
            (*key, other.state)
            for other in others
            if run_universal({**UNIVERSAL.rules, key: other}, system, done[0] + 1) == done
        }
    assert unnoticed == ALIKE


@given(st.integers(0, 2**32), st.integers(0, 900), st.integers(1, 40), st.integers(2, 20))
def test_turing_questions_tell_the_machine_that_gives_their_answers(seed, index, steps, cells):
    knobs = turing.TuringKnobs(turing_machines=(1, 2, 3, 4, 5), turing_steps=(steps,), turing_cells=cells)
    row = turing.make_row(Rng(seed), index, knobs)
    told = re.findall(r"(\w+) (\w): (\w) (left|right) (\w+)\.", row["question"])
    rules = {
        (state, read): Rule(write, 1 if move == "right" else -1, after) for state, read, write, move, after in told
    }
    assert rules == BY_NAME[row["machine"]].rules
    tape, state = re.search(
        r"The tape is ([\w\[\] ]+) with the head .* are at first (\w+) \w\.$", row["question"]
    ).groups()
    cells_shown = tape.split()
    head = next(i for i, cell in enumerate(cells_shown) if cell.startswith("["))
    cells_shown[head] = cells_shown[head][1]
    first = rules[state, cells_shown[head]]
    rule_said = f"{state} {cells_shown[head]}: {first.write} {'right' if first.move > 0 else 'left'} {first.state}"
    for _ in range(steps):
        if (state, cells_shown[head]) not in rules:
            break
        rule = rules[state, cells_shown[head]]
        cells_shown[head], state, head = rule.write, rule.state, head + rule.move
    expected = {"rule": rule_said, "state": state, "tape": " ".join(cells_shown)}.get(row["template"]) or cells_shown[
        head
    ]
    assert row["answer"] == expected


@pytest.mark.parametrize("said", ["0 1 1", "011", "The tape is now: 0 1 1.", "Answer: 0, 1, 1"])
def test_a_tape_is_read_with_and_without_blanks(said):
    doc = {"symbols": ["0", "1", "1"], "template": "tape"}
    assert turing.score(doc, [said])["acc"] == 1.0
    assert turing.score(doc, [said + " 0"])["acc"] == 0.0
