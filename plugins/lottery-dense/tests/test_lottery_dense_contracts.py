"""Each plugin keeps the contract of its kind."""

import pytest

pytest.importorskip("sentence_transformers")

from lottery_dense import Dense, Hybrid, PromptDense, Vector

from lottery_plugins.testing.contracts.memory import check_memory
from lottery_plugins.testing.contracts.retriever import check_retriever


@pytest.mark.parametrize("retriever", [Dense, Hybrid, PromptDense])
def test_retriever_keeps_the_contract(retriever, word_model):
    check_retriever(retriever, options={"model": word_model})


def test_contract_holds_for_half_precision(word_model):
    check_retriever(Dense, options={"model": word_model, "vectors": "float16", "weights": "bfloat16"})


def test_vector_keeps_the_contract_of_memories(word_model):
    check_memory(Vector, options={"model": word_model})
