"""The sampler that adds up parts: it learns from every ticket, joins what was seen apart, and wants what is cheap."""

import pytest
from search_plans import PRUNED, plan, truth

from lottery_plugins.search.additive import most_promising
from lottery_plugins.search.halving import Look
from lottery_plugins.search.measure import Cost
from lottery_plugins.search.record import Record
from lottery_plugins.search.ticket import Ticket

SPACE = {"compression": ["none", "int8", PRUNED, ["int8", PRUNED]], "augmentation": {"plain": None, "helped": {}}}


def record(number, point, difference, stored, state="finished"):
    low, high = difference - 0.05, difference + 0.05
    look = Look(
        difference=difference, low=low, high=high, margin=0.05, p_non_inferior=0.5, p_inferior=0.5, error=0.03,
        documents=96,
    )  # fmt: skip
    looks = dict.fromkeys(("one", "two"), look)
    cost = Cost(samples=192, tokens=100.0, bytes=stored)
    ratio = stored / 1000
    return Record(
        number=number, ticket="", point=point, state=state, looks=looks, cost=cost, bytes_ratio=ratio
    )  # fmt: skip


def point(compression, augmentation, sparsity=None):
    made = {"compression": compression, "augmentation": augmentation}
    return made if sparsity is None else {**made, f"compression.{compression}.wanda.sparsity": sparsity}


def test_parts_that_were_seen_apart_are_joined():
    """int8 costs nothing, help gains, and pruning loses: the one with int8 and help is never tried, and comes next."""
    made = plan(space=SPACE)
    known = [
        record(0, point("none", "plain"), 0.0, 1000),
        record(1, point("none", "helped"), 0.2, 1000, "accepted"),
        record(2, point("int8", "plain"), 0.0, 300),
        record(3, point("wanda:sparsity=0.1..0.5", "plain", 0.5), -0.5, 600),
    ]
    tried = {Ticket("", {}, r.point).key for r in known}
    unseen = [p for p in made.points() if Ticket("", {}, p).key not in tried]
    assert most_promising(made, known, unseen) in (
        point("int8", "helped"),
        point("int8+wanda:sparsity=0.1..0.5", "helped", 0.1),  # cheaper still, and pruned by little
    )


def test_what_can_not_be_cheaper_is_asked_for_last():
    made = plan(space=SPACE)
    known = [record(0, point("int8", "helped"), 0.2, 300, "accepted"), record(1, point("none", "plain"), 0.1, 1000)]
    dear, cheap = point("none", "helped"), point("int8+wanda:sparsity=0.1..0.5", "helped", 0.2)
    assert most_promising(made, known, [dear, cheap]) == cheap


@pytest.mark.parametrize("cheapest", ["bytes", "tokens", "seconds"])
def test_a_cost_that_nobody_measured_leaves_the_chance_to_decide(cheapest):
    made = plan(space=SPACE, cheapest=cheapest)
    known = [record(0, point("none", "helped"), 0.2, 1000), record(1, point("none", "plain"), -0.2, 1000)]
    bare = [Record.from_json({**r.to_json(), "cost": Cost(samples=9, tokens=None, seconds=None).to_json(),
                              "bytes_ratio": None}) for r in known]  # fmt: skip
    choice = [point("int8", "plain"), point("int8", "helped")]
    assert most_promising(made, bare, choice) == choice[1]


def test_on_made_up_tickets_it_predicts_what_adds_up():
    """With all but one ticket known to within their error, the one left out is chosen or not as its truth says."""
    made = plan()
    points = list(made.points())
    known = [
        record(i, p, truth(p).difference["one"], truth(p).bytes, "accepted" if truth(p).difference["one"] > 0 else
               "finished")
        for i, p in enumerate(points)
        if truth(p).bytes > 300
    ]  # fmt: skip
    left = [p for p in points if truth(p).bytes <= 300]
    assert [p["augmentation"] for p in left] == ["plain", "helped"]
    assert most_promising(made, known, left)["augmentation"] == "helped"
