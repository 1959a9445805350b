"""Ability 3, planning: the shortest way on a small map; any way of that length is right.

The maps are generated here; the way is walked road by road, not compared with a stored one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lottery_plugins.tasks.guesses import arrangements
from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.planning.execution import carry_out, plan_scores, read_plan
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import names_in
from lottery_plugins.tasks.solved import SolvedKnobs, make_solved_splits
from lottery_plugins.tasks.splits import Row
from lottery_plugins.tasks.walk import Walk
from lottery_plugins.tasks.words import word_list

__all__ = ["PLACES", "RoutesKnobs", "build", "make_row", "score"]

PLACES = word_list(
    "bakery bank beach bridge cafe camp castle church cinema farm forest garden gate harbor hill hospital hotel "
    "island lake library market meadow mill museum palace park pier port school shop square stable stadium station "
    "temple theater tower village well zoo"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesKnobs(SolvedKnobs):
    """Knobs of the routes.

    Attributes:
        routes_roads: Roads on the shortest way.
        routes_told: 1 when the shortest way is told first, as one line, and no other road starts where it does; 0 when
            all roads are told in any order.
        routes_detours: Places that lie off the shortest way, each on a dead end or a longer way.
    """

    routes_roads: tuple[int, ...] = knob((3, 4, 5), 2, 12)
    routes_told: tuple[int, ...] = knob((1, 0), 0, 1)
    routes_detours: tuple[int, ...] = knob((3, 6), 0, 24)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(RoutesKnobs, "routes", metadata)
    return make_solved_splits("routes", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: RoutesKnobs) -> Row:
    """One document; consecutive ones walk through the wordings, then the telling, the roads and the detours."""
    walk = Walk(index)
    name, road, joint, asked, start = walk.along(WORDINGS)
    told = walk.along(knobs.routes_told)
    count, detours = walk.along(knobs.routes_roads), walk.along(knobs.routes_detours)
    places = rng.sample(PLACES, count + 1 + detours)
    way = places[: count + 1]
    main, more = list(pairwise(way)), _detours(rng, way, places[count + 1 :], told)
    lines = [way, *more] if told else [rng.choice([(a, b), (b, a)]) for a, b in rng.shuffled(main + more)]
    shown = " ".join(road.format(way=joint.join(line)) for line in lines)
    return {
        "question": f"{shown} {asked.format(a=way[0], b=way[-1])}",
        "answer": start + joint.join(way),
        "places": sorted(places),
        "from": way[0],
        "to": way[-1],
        "map": [{"a": a, "b": b} for a, b in main + more],
        "roads": count,
        "told": told,
        "detours": detours,
        "template": name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """Any places between both ends, as many as on the shortest way."""
    between = [place for place in row["places"] if place not in (row["from"], row["to"])]
    ways = arrangements(rng, between, row["roads"] - 1)
    return [", ".join([row["from"], *way, row["to"]]) for way in ways]


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: a shortest way; `partial`: the share of its roads that exist, up to the first that does not."""
    roads = {(r["a"], r["b"]) for r in doc["map"]} | {(r["b"], r["a"]) for r in doc["map"]}
    stops = read_plan(results[0], lambda part: names_in(part, PLACES), doc["roads"])
    stops = stops[: stops.index(doc["to"]) + 1] if doc["to"] in stops else stops
    stops = [to for at, to in pairwise([doc["from"], *stops]) if at != to]  # "a to b, b to c" names b twice
    ran = carry_out(doc["from"], stops, lambda at, to: to if (at, to) in roads else None)
    return plan_scores(ran, ran.state == doc["to"] and len(stops) == doc["roads"], doc["roads"])


def _detours(rng: Rng, way: Sequence[str], others: Sequence[str], free: int) -> list[tuple[str, str]]:
    """Roads to other places, such that `way` stays a shortest way; none touches its first `free` places.

    Each place has a level: those of the way 0, 1, 2 ... A road joins places whose levels differ by one at most, so no
    way is shorter than the difference of the levels of its ends.
    """
    levels = {place: level for level, place in enumerate(way)}
    roads = []
    for place in others:
        near = rng.choice([p for p in levels if levels[p] < len(way) - 1 and p not in way[:free]])
        roads.append((near, place))
        levels[place] = levels[near] + rng.below(2)
        ahead = [p for p in levels if abs(levels[p] - levels[place]) <= 1 and p not in (place, near, *way[:free])]
        if rng.below(2):
            roads.append((place, rng.choice(ahead)))
    return roads


WORDINGS = (
    ("dash", "{way}.", " - ", "What is the shortest way to {b}? It begins in {a}.", ""),
    (
        "road",
        "A road goes from {way}.",
        " to ",
        "All roads go both ways. The shortest way to {b} goes from {a} ...",
        "from ",
    ),
    (
        "bus",
        "A bus runs from {way} and back.",
        " to ",
        "Past as few places as possible, one gets to {b} from {a} ...",
        "from ",
    ),
)
"""Names, how a road is told, what stands between its places, what is asked, and how an answer begins."""
