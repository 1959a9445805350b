"""The popularity of a document's subject reaches the problem, by the field that the task's YAML names."""

import pytest
from lm_eval.api.instance import Instance

from lottery_plugins.errors import DataError
from lottery_plugins.harness import offers
from lottery_plugins.harness.problems import problems_of


@pytest.fixture
def task():
    offers.remember("popular_task", {"question": "q", "popularity": "views"})
    yield "popular_task"
    offers.remember("popular_task", None)


def problem(task, **fields):
    instance = Instance(
        request_type="generate_until", doc={"q": "who?", **fields}, arguments=("who?", {}), idx=0, metadata=(task, 3, 1)
    )
    return problems_of([instance], 16)[0]


@pytest.mark.parametrize(("written", "read"), [(1381, 1381.0), (0, 0.0), ("12.5", 12.5), (None, None)])
def test_popularity_is_read_as_a_number(task, written, read):
    assert problem(task, views=written).popularity == read


def test_a_task_that_names_no_field_has_no_popularity():
    assert problem("another_task", views=5).popularity is None


@pytest.mark.parametrize("written", ["many", [5], True, "nan", float("inf")])
def test_what_is_no_popularity_is_refused_with_its_document(task, written):
    with pytest.raises(DataError, match="popular_task, document 3 has the popularity"):
        problem(task, views=written)


def test_a_missing_field_is_refused(task):
    with pytest.raises(DataError, match=r"no field 'views', which the task's metadata.lottery.popularity names"):
        problem(task)
