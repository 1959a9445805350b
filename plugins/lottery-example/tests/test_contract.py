"""Each plugin keeps the contract of its kind: this is the whole test of a plugin package."""

import asyncio

import lottery_example
import pytest

from lottery_plugins.errors import ConfigError
from lottery_plugins.testing.contracts.compression import check_kv_press
from lottery_plugins.testing.contracts.memory import check_memory
from lottery_plugins.testing.contracts.reasoner import check_reasoner
from lottery_plugins.testing.contracts.retriever import check_retriever
from lottery_plugins.testing.contracts.tool import check_tool
from lottery_plugins.testing.contracts.verifier import check_verifier


def test_newest_keeps_the_contract_of_kv_methods():
    check_kv_press(lottery_example.Newest)


def test_letters_keeps_the_contract_of_tools():
    check_tool(lottery_example.Letters, good_calls=[({"word": "Cheese", "letter": "e"}, "3")])


def test_shared_words_keeps_the_contract_of_retrievers():
    check_retriever(lottery_example.SharedWords)


def test_notebook_keeps_the_contract_of_memories():
    check_memory(lottery_example.Notebook)


def test_second_try_keeps_the_contract_of_reasoners():
    check_reasoner(lottery_example.SecondTry)


def test_says_something_keeps_the_contract_of_verifiers():
    check_verifier(lottery_example.SaysSomething)


@pytest.mark.parametrize(("answer", "accepted"), [("42", True), (" \n", False), ("...", False)])
def test_says_something_refuses_blank_answers(answer, accepted):
    judgement = asyncio.run(lottery_example.SaysSomething().verify(None, answer, None))
    assert (judgement.accepted, judgement.score) == (accepted, float(accepted))


def test_a_ratio_out_of_range_is_refused():
    with pytest.raises(ConfigError, match=r"newest.compression_ratio: got 1.5"):
        lottery_example.Newest(compression_ratio=1.5)


def test_every_answer_of_the_task_is_right():
    rows = lottery_example.build_dataset()["test"]
    assert len(rows) == 24
    for row in rows:
        _, letter, _, word, _ = row["question"].split("'")
        assert row["answer"] == str(word.count(letter))
