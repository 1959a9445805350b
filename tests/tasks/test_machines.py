"""The interpreters of the fundamental operations, against simulations that read the question alone."""

import re
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks.machines import automata, containers, programs, sorting, strings
from lottery_plugins.tasks.machines.symbols import CONSONANTS, WORDS, spaced
from lottery_plugins.tasks.randomness import Rng

SEEDS = st.integers(0, 2**32)
INDICES = st.integers(0, 600)


def drawn(module, kind, seed, index, **knobs):
    return module.make_row(Rng(seed), index, kind(**knobs))


@given(SEEDS, INDICES, st.integers(1, 30), st.integers(2, 9))
def test_programs_print_what_a_walk_through_their_lines_finds(seed, index, steps, cells):
    row = drawn(programs, programs.ProgramsKnobs, seed, index, programs_steps=(steps,), programs_cells=cells)
    held = dict(re.findall(r"([A-Z]) holds (\w+)", row["question"]))
    assert len(held) == cells
    lines = dict(re.findall(r"(\d+): ([^.]*)\.", row["question"].split("The program is")[1]))
    number, done = 1, 0
    while (words := lines[str(number)].split())[0] != "READ":
        done += 1
        number += 1
        if words[0] == "JUMP":
            number = int(words[1])
        elif words[0] == "WRITE":
            held[words[3]] = words[1]
        else:
            held[words[3]] = held[words[1]]
            held[words[1]] = "empty" if words[0] == "MOVE" else held[words[1]]
    assert held[words[1]] == row["answer"]
    assert done == row["steps"] == steps


def test_every_instruction_of_a_program_is_met():
    said = " ".join(
        drawn(programs, programs.ProgramsKnobs, 1, i, programs_steps=(4,))["question"].split("program is")[1]
        for i in range(25)
    )
    assert all(name in said for name in ("WRITE", "COPY", "MOVE", "JUMP", "READ"))


@given(SEEDS, INDICES, st.integers(2, 70))
def test_containers_hold_what_a_deque_holds(seed, index, steps):
    row = drawn(containers, containers.ContainersKnobs, seed, index, containers_steps=(steps,))
    held = deque()
    for sentence in row["question"].split(".")[:-1]:
        if "Take the top" in sentence:
            held.pop()
        elif "leaves" in sentence:
            held.popleft()
        else:
            held.append(next(word for word in sentence.split() if word in WORDS))
    whole = list(held)
    expected = {"stack-top": whole[-1:], "queue-first": whole[:1]}.get(row["template"], whole)
    assert row["answer"].split() == expected
    assert expected


def insertion_sort(items):
    done = []
    for item in items:
        at = next((i for i, other in enumerate(done) if item < other), len(done))
        done.insert(at, item)
    return done


@given(SEEDS, INDICES, st.integers(2, 45))
def test_sorting_agrees_with_an_insertion_sort(seed, index, count):
    row = drawn(sorting, sorting.SortingKnobs, seed, index, sorting_items=(count,))
    items = [int(item) if item.isdigit() else item for item in row["list"]]
    assert len(set(items)) == count
    ordered = [str(item) for item in insertion_sort(items)]
    if row["template"] in ("digit", "least", "first"):
        ordered = ordered[:1]
    elif row["template"] == "descending":
        ordered.reverse()
    assert row["sorted"] == ordered
    assert count == 2 or row["list"] != ordered
    assert ", ".join(row["list"]) in row["question"]


@given(SEEDS, INDICES, st.integers(2, 30), st.integers(1, 20))
def test_strings_are_what_their_instructions_make_of_them(seed, index, letters, steps):
    row = drawn(strings, strings.StringsKnobs, seed, index, strings_letters=(letters,), strings_steps=(steps,))
    start, *orders, _ = re.split(r"(?<=\.) ", row["question"])
    text = "".join(start.removeprefix("The list is ").removesuffix(".").split())
    assert len(text) == letters
    assert len(orders) == steps
    for order in orders:
        word = order.rstrip(".").split()
        text = {
            "Add": lambda text=text, word=word: text + word[1],
            "Put": lambda text=text, word=word: word[1] + text,
            "Replace": lambda text=text, word=word: text.replace(word[2], word[4]),
            "Remove": lambda text=text: text[1:],
            "Reverse": lambda text=text: "".join(reversed(text)),
            "Move": lambda text=text: text[-1] + text[:-1],
        }[word[0]]()
    assert row["answer"].replace(" ", "") == text


@pytest.mark.parametrize("said", ["b c d", "bcd", "b, c, d", "The letters are: b c d.", "Answer: BCD", "b\nc\nd"])
def test_letters_are_read_with_and_without_blanks(said):
    assert strings.score({"letters": ["b", "c", "d"]}, [said])["acc"] == 1.0


@pytest.mark.parametrize("said", ["b c", "b c d f", "d c b", "", "bcdf", "b c d\nb c d"])
def test_other_letters_score_nothing(said):
    assert strings.score({"letters": ["b", "c", "d"]}, [said])["acc"] == float(said == "b c d\nb c d")


@given(st.lists(st.sampled_from(CONSONANTS), min_size=2, max_size=9))
def test_a_row_of_symbols_is_taken_apart(letters):
    assert spaced("".join(letters), CONSONANTS) == " ".join(letters)


def test_english_words_are_left_whole():
    assert spaced("My brother can't reply", CONSONANTS) == "My brother can't reply"


@given(SEEDS, INDICES, st.integers(2, 12), st.integers(1, 60))
def test_automata_end_where_their_sentences_lead(seed, index, count, steps):
    row = drawn(automata, automata.AutomataKnobs, seed, index, automata_states=(count,), automata_steps=(steps,))
    *rules, asked = re.split(r"\. ", row["question"])
    known = [re.findall(r"\b(?:[xyz]|" + "|".join(automata.STATES) + r")\b", sentence) for sentence in rules]
    table = {(state, letter): after for state, letter, after in known}
    state, *word = re.findall(r"\b(?:[xyz]|" + "|".join(row["states"]) + r")\b", asked)
    assert len(word) == steps
    for letter in word:
        state = table[state, letter]
    assert state == row["path"][-1]
    end = len(row["path"]) - 1
    for said in (state, f"It ends in {state}.", ", ".join(row["path"]), f"{row['answer']}. And so on from {state}."):
        assert automata.score(row, [said])["acc"] == 1.0, said
    other = next(name for name in automata.STATES if name not in row["path"])
    for said in (other, f"{row['answer']} {other}", ", ".join([*row["path"][:end], other]), f"{other} {state}"):
        assert automata.score(row, [said])["acc"] == 0.0, said
