"""Plans: any that works scores 1, whichever way it is written, and none that does not; against other searches."""

import json
from collections import deque
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lottery_plugins.tasks.planning import courses, delegation, hanoi, routes, schedule
from lottery_plugins.tasks.planning.execution import carry_out, plan_scores, read_plan
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import names_in

SEEDS = st.integers(0, 2**32)


def acc(module, row, text):
    return module.score(row, [text])["acc"]


def shortest(start, goal, neighbors):
    """Steps of the shortest way, by breadth-first search; None without one."""
    distance, queue = {start: 0}, deque([start])
    while queue:
        at = queue.popleft()
        for to in neighbors(at):
            if to not in distance:
                distance[to] = distance[at] + 1
                queue.append(to)
    return distance.get(goal)


def test_a_plan_is_carried_out_up_to_its_first_step_that_is_not_allowed():
    ran = carry_out(0, [1, 2, -1, 5], lambda total, step: total + step if step > 0 else None)
    assert (ran.state, ran.done, ran.written) == (3, 2, 4)
    assert plan_scores(ran, True, 2) == {"acc": 0.0, "partial": 0.5}


def test_a_short_plan_has_no_better_share_than_a_whole_one():
    ran = carry_out(0, [1], lambda total, step: total + step)
    assert plan_scores(ran, False, 4) == {"acc": 0.0, "partial": 0.25}


@pytest.mark.parametrize(
    "text",
    [
        "bake, mix, wash",
        "Bake -> Mix -> Wash",
        "1. bake\n2. mix\n3. wash",
        "First bake, then mix and finally wash.",
        "We look at the rules.\n\nAnswer:\n- bake\n- mix\n- wash\n\nHere bake comes before mix.",
        "The order is bake, mix, wash.\nThat is because mix needs bake.",
        "bake, mix, wash\n\nbake comes first because mix needs it",
        "**bake**, **mix**, **wash**\nQuestion: mix comes before bake.",
    ],
)
def test_a_plan_is_read_however_it_is_written(text):
    assert read_plan(text, lambda part: names_in(part, ["bake", "mix", "wash"]), 3) == ["bake", "mix", "wash"]


@given(SEEDS, st.integers(0, 500), st.integers(2, 6), st.integers(0, 3))
def test_an_order_scores_when_it_keeps_each_rule_and_only_then(seed, index, count, extra):
    row = schedule.make_row(Rng(seed), index, schedule.ScheduleKnobs(schedule_steps=(count,), schedule_extra=extra))
    pairs = [(pair["first"], pair["second"]) for pair in row["before"]]
    assert all(f"{first}" in row["question"] for first in row["steps"])
    for order in list(permutations(row["steps"]))[:24]:
        is_kept = all(order.index(first) < order.index(second) for first, second in pairs)
        assert acc(schedule, row, ", ".join(order)) == is_kept
        assert acc(schedule, row, ", ".join(order[:-1])) == 0
        assert acc(schedule, row, ", ".join([*order, order[0]])) == 0


@given(SEEDS, st.integers(0, 500), st.integers(2, 3), st.integers(1, 2))
def test_semesters_score_when_limit_and_prerequisites_are_kept_and_only_then(seed, index, semesters, width):
    knobs = courses.CoursesKnobs(courses_semesters=(semesters,), courses_width=(width,))
    row = courses.make_row(Rng(seed), index, knobs)
    names = row["courses"]
    for places in list(product(range(semesters), repeat=len(names)))[:: 1 + len(names) ** 2 // 8]:
        at = dict(zip(names, places, strict=True))
        works = all(places.count(term) <= width for term in range(semesters))
        works = works and all(at[need["first"]] < at[need["second"]] for need in row["needs"])
        plan = [[name for name in names if at[name] == term] for term in range(semesters)]
        text = "\n".join(f"Semester {i}: {', '.join(term) or 'nothing'}" for i, term in enumerate(plan, 1))
        assert acc(courses, row, text) == works, text


@pytest.mark.parametrize(
    "text",
    [
        "semester 1: law, logic; semester 2: ethics, music",
        "Semester 1:\n- logic\n- law\n\nSemester 2:\n- music\n- ethics",
        "law, logic\nethics, music",
        "In semester one, take law and logic. In semester two, take ethics and music.",
        "**Term 1**: law, logic\n**Term 2**: ethics, music",
    ],
)
def test_semesters_are_read_however_they_are_written(text):
    row = {
        "courses": ["law", "logic", "ethics", "music"], "semesters": 2, "width": 2,
        "needs": [{"first": "law", "second": "ethics"}, {"first": "logic", "second": "music"}],
    }  # fmt: skip
    assert acc(courses, row, text) == 1
    assert acc(courses, row, text.replace("law", "x").replace("ethics", "law").replace("x", "ethics")) == 0


def pile_moves(piles):
    """All positions after one move, of piles of disks with the top one last."""
    for source, target in permutations(range(3), 2):
        if piles[source] and (not piles[target] or piles[target][-1] > piles[source][-1]):
            after = list(piles)
            after[target] = (*piles[target], piles[source][-1])
            after[source] = piles[source][:-1]
            yield tuple(after)


def piled(position):
    return tuple(tuple(disk for disk in range(len(position) - 1, -1, -1) if position[disk] == peg) for peg in range(3))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6))
def test_a_move_does_what_it_does_to_piles_of_disks(position):
    by_pegs = [hanoi.move(tuple(position), (None, *pegs)) for pegs in permutations(range(3), 2)]
    by_disk = [hanoi.move(tuple(position), (disk, None, peg)) for disk in range(len(position)) for peg in range(3)]
    for after in (by_pegs, by_disk):
        assert sorted(piled(a) for a in after if a is not None) == sorted(pile_moves(piled(position)))
    assert hanoi.move(tuple(position), (None, 1, 1)) is None
    assert hanoi.move(tuple(position), (9, None, 1)) is None


@given(SEEDS, st.integers(0, 500), st.integers(1, 5), st.integers(1, 12))
def test_the_tower_has_the_distance_that_was_asked_for_and_any_legal_moves_score(seed, index, disks, distance):
    row = hanoi.make_row(Rng(seed), index, hanoi.HanoiKnobs(hanoi_disks=(disks,), hanoi_moves=(distance,)))
    assert shortest(piled(row["start"]), piled(row["goal"]), pile_moves) == row["moves"]
    assert row["moves"] == distance or disks < 4
    a, b, c = (row["pegs"][(row["start"][0] + turn) % 3] for turn in range(3))
    assert acc(hanoi, row, f"disk 1 to {b}, disk 1 to {c}, disk 1 to {a}, {row['answer']}") == 1
    assert acc(hanoi, row, f"disk 1 to {a}, {row['answer']}") == 0
    assert acc(hanoi, row, f"disk 1 from {b} to {c}, {row['answer']}") == 0
    elsewhere = row["pegs"][(row["goal"][0] + 1) % 3]
    assert acc(hanoi, row, f"{row['answer']}, disk 1 to {elsewhere}") == 0


@pytest.mark.parametrize(
    "text",
    ["red to blue", "Move disk 1 from red to blue.", "red -> blue", "1. From peg Red to peg Blue\n", "disk 1 to blue"],
)
def test_moves_are_read_however_they_are_written(text):
    row = {"pegs": ["red", "blue", "pink"], "start": [0, 0], "goal": [1, 0], "moves": 1}
    assert acc(hanoi, row, text) == 1
    assert acc(hanoi, row, text.lower().replace("blue", "pink")) == 0
    assert acc(hanoi, row, text.lower().replace("disk 1", "disk 2").replace("red", "pink")) == 0


@given(SEEDS, st.integers(0, 500), st.integers(2, 7), st.integers(0, 12))
def test_no_way_on_the_map_is_shorter_and_a_detour_does_not_score(seed, index, roads, detours):
    row = routes.make_row(Rng(seed), index, routes.RoutesKnobs(routes_roads=(roads,), routes_detours=(detours,)))
    near = {place: set() for place in row["places"]}
    for road in row["map"]:
        near[road["a"]].add(road["b"])
        near[road["b"]].add(road["a"])
    assert shortest(row["from"], row["to"], near.__getitem__) == roads
    way = names_in(row["answer"], routes.PLACES)
    assert acc(routes, row, ", ".join(way)) == acc(routes, row, " -> ".join(way[1:])) == 1
    assert acc(routes, row, ", ".join([way[0], way[1], *way])) == 0
    assert acc(routes, row, ", ".join(way[:-1])) == acc(routes, row, f"{way[0]}, {way[-1]}") == 0


@given(SEEDS, st.integers(0, 500), st.integers(1, 3), st.integers(0, 3))
def test_a_delegation_scores_when_its_things_are_there_and_only_then(seed, index, subtasks, idle):
    knobs = delegation.DelegationKnobs(delegation_subtasks=(subtasks,), delegation_idle=(idle,))
    row = delegation.make_row(Rng(seed), index, knobs)
    for order in list(permutations(row["tools"], subtasks))[:30]:
        there = {row["given"]}
        works = True
        for tool in order:
            works = works and set(tool["needs"]) <= there
            there.add(tool["makes"])
        text = "\n".join(f"{i}. {tool['makes']}: {tool['name']}" for i, tool in enumerate(order, 1))
        assert acc(delegation, row, text) == (works and row["goal"] in there), text


@pytest.mark.parametrize(
    "text",
    ["poster: Ida", "Ida makes the poster", "Ida makes the poster from the photo.", "1. make the poster (Ida)"],
)
def test_delegations_are_read_however_they_are_written(text):
    row = {
        "given": "photo", "goal": "poster", "subtasks": 1,
        "tools": [{"name": "Ida", "needs": ["photo"], "makes": "poster"},
                  {"name": "Ben", "needs": ["song"], "makes": "poster"}],
    }  # fmt: skip
    assert acc(delegation, row, text) == 1
    assert acc(delegation, row, text.replace("Ida", "Ben")) == 0
    assert acc(delegation, row, text.replace("Ida", "Ida and Ben")) == 0
    assert acc(delegation, row, text.replace("poster", "letter")) == 0


@pytest.mark.parametrize("module", [schedule, courses, hanoi, routes, delegation])
def test_a_list_of_everything_is_no_plan(module):
    for row in module.build(num_docs=24, num_solved=0)["test"]:
        moves = list(permutations(row.get("pegs", ()), 2))
        fields = json.dumps([moves, *(row.get(key) for key in ("steps", "courses", "places", "tools"))])
        assert acc(module, row, fields * 2) == 0
