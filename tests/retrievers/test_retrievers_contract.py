import pytest

from lottery_plugins.retrievers import RETRIEVERS, Bm25
from lottery_plugins.testing.contracts.retriever import check_retriever


@pytest.mark.parametrize("retriever_class", RETRIEVERS)
def test_built_in_retriever_keeps_the_contract(retriever_class):
    check_retriever(retriever_class)


@pytest.mark.parametrize("options", [{"language": "none"}, {"k1": 0.0, "b": 1.0}])
def test_contract_holds_for_other_options(options):
    check_retriever(Bm25, options=options)
