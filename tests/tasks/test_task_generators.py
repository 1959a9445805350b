"""Generators: the same everywhere, exact gold values, and no shortcut to them."""

import ast
import hashlib
import json
import operator
import os
import re
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.errors import ConfigError
from lottery_plugins.tasks import arithmetic, invented_facts, operations, words
from lottery_plugins.tasks.knobs import read_knobs
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.retrieval.needle import NeedleKnobs

MODULES = {
    "arithmetic": arithmetic,
    "invented_facts": invented_facts,
    "operations": operations,
}


def rows(name, **metadata):
    return list(MODULES[name].build(**{"num_docs": 60, **metadata})["test"])


def digest():
    """One hash over documents of every generator."""
    text = json.dumps({name: rows(name, num_docs=20) for name in MODULES}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


GOLDEN = "a51fc8355572f3f29eeddb5ec549ca366f5463a6298af60780202c61285d7c1b"


def test_documents_are_what_they_were_when_version_1_was_published():
    assert digest() == GOLDEN


@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_documents_do_not_depend_on_process_or_hash_seed(hash_seed):
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_task_generators as t; print(t.digest())"
    command = [sys.executable, "-c", code, os.path.dirname(__file__)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == GOLDEN


def test_rng_draws_are_pinned():
    rng = Rng("lottery", 1)
    assert [rng.bits() for _ in range(3)] == [10958369324637270452, 12891806076043815197, 17668241705098639057]
    assert [rng.below(10) for _ in range(8)] == [2, 8, 8, 2, 8, 7, 3, 4]
    assert rng.shuffled("abcdef") == ["f", "a", "e", "b", "d", "c"]


@given(st.integers(0, 2**63), st.integers(1, 2**64))
def test_rng_below_stays_below(seed, stop):
    assert 0 <= Rng(seed).below(stop) < stop


@given(st.lists(st.integers(), max_size=30), st.integers(0, 100))
def test_shuffle_keeps_the_items(items, seed):
    assert sorted(Rng(seed).shuffled(items)) == sorted(items)


def test_rng_below_is_even():
    rng = Rng("even")
    counts = [0] * 7
    for _ in range(7000):
        counts[rng.below(7)] += 1
    assert all(850 < count < 1150 for count in counts)


@pytest.mark.parametrize("name", MODULES)
def test_a_document_does_not_depend_on_how_many_are_made(name):
    assert rows(name, num_docs=5) == rows(name, num_docs=60)[:5]


@pytest.mark.parametrize("name", MODULES)
def test_another_seed_gives_other_questions(name):
    first, second = rows(name), rows(name, data_seed=1)
    assert sum(a["question"] == b["question"] for a, b in zip(first, second, strict=True)) < 15


@pytest.mark.parametrize("name", MODULES)
def test_few_shot_documents_are_not_among_the_tested(name):
    splits = MODULES[name].build(num_docs=200)
    key = [json.dumps({k: v for k, v in row.items() if k != "id"}, sort_keys=True) for row in splits["test"]]
    examples = [json.dumps({k: v for k, v in row.items() if k != "id"}, sort_keys=True) for row in splits["train"]]
    assert not set(key) & set(examples)
    assert len(set(key)) == 200


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def exact(node, text):
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](exact(node.left, text), exact(node.right, text))
    return Fraction(ast.get_source_segment(text, node))


def test_arithmetic_gold_is_the_value_of_its_one_expression():
    for row in rows("arithmetic", num_docs=300, arithmetic_digits=[1, 2, 4, 9]):
        tree = ast.parse(row["expression"], mode="eval").body
        assert exact(tree, row["expression"]) == Fraction(row["answer"]), row


@given(st.integers(-(10**9), 10**9))
def test_plain_notation_is_exact(cents):
    assert Fraction(arithmetic._plain(Fraction(cents, 100))) == Fraction(cents, 100)


def test_invented_answer_stands_in_the_gold_document_alone():
    for row in rows("invented_facts"):
        holders = [d["id"] for d in row["documents"] if re.search(rf"\b{row['answer']}\b", d["text"])]
        assert holders == [row["gold_id"]]
        assert len({d["id"] for d in row["documents"]}) == len(row["documents"]) == 24
        assert len({d["title"] for d in row["documents"]}) == 24


@pytest.mark.parametrize("count", [1, 2, 5, 60])
def test_knowledge_base_has_the_size_asked_for(count):
    assert {len(row["documents"]) for row in rows("invented_facts", num_docs=3, facts_documents=count)} == {count}


def replay(question):
    """The tape after all instructions, by reading the sentences of the question."""
    tape = {}
    for sentence in question.split("\n\n")[0].replace(", and cell", ". And cell").split(". "):
        said = sentence.rstrip(".").split()
        if said[:4] == ["The", "word", "in", "cell"]:
            tape[said[4]] = said[6]
        elif "written" in said:
            tape[said[-1]] = said[3]
        elif "copied" in said or "moved" in said:
            tape[said[-1]] = tape[said[5]]
        elif said[0] == "And":
            tape[said[2]] = said[4]
    return tape


def test_operations_gold_is_what_the_sentences_do():
    for row in rows("operations", num_docs=300, operations_cells=[2, 4, 9], operations_steps=[1, 3, 8]):
        if row["template"] == "repeat":
            assert row["question"].endswith(row["answer"])
        else:
            cell = row["question"].split("in cell ")[-1][0]
            assert replay(row["question"])[cell] == row["answer"], row


def test_value_lists_are_without_doubles():
    for items in (
        words.NAMES,
        words.THINGS,
        words.VALUES,
        words.CITIES,
        words.ROOMS,
        operations.SYMBOLS,
    ):
        assert len(set(items)) == len(items)
    assert not set(words.VALUES) & set(words.THINGS)


@pytest.mark.parametrize("value", [0, -1, "many", None, True, 1.5, 10**9, [], "3+x", float("nan")])
def test_bad_knob_names_the_knob_and_what_is_allowed(value):
    with pytest.raises(ConfigError, match=r"metadata: num_docs.*whole number in \[1, 1000000\]"):
        read_knobs(NeedleKnobs, "needle", {"num_docs": value})


@pytest.mark.parametrize("value", [[], "256+x", [256, 1], {"a": 1}, ""])
def test_bad_list_knob_names_the_knob(value):
    with pytest.raises(ConfigError, match="metadata: needle_lengths"):
        read_knobs(NeedleKnobs, "needle", {"needle_lengths": value})


@pytest.mark.parametrize("value", [512, "512", [512], "512+1024", [512, 1024]])
def test_list_knob_takes_one_value_or_several(value):
    assert read_knobs(NeedleKnobs, "needle", {"needle_lengths": value}).needle_lengths[0] == 512
