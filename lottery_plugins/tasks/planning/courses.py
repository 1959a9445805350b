"""Ability 3, planning: spread courses over semesters under prerequisites and a limit; any plan that works is right.

Source: the course schedule problem of textbooks (topological order with a width limit). Generated here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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

__all__ = ["COURSES", "CoursesKnobs", "build", "make_row", "score"]

COURSES = word_list(
    "acting algebra anatomy archery botany calculus ceramics chemistry cooking dance drama drawing ecology economics "
    "ethics fencing film geology geometry grammar history law logic medicine music optics painting pharmacy "
    "philosophy physics poetry pottery psychology robotics singing statistics theology weaving welding zoology"
)
_BREAK = re.compile(r"\b(?:semester|term|year)s?[ \t]*(?:no\.?|number)?[ \t]*(?:[0-9]+|one|two|three|four|five|six)\b")
_LINES = re.compile(r"[;\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursesKnobs(SolvedKnobs):
    """Knobs of the course schedules.

    Attributes:
        courses_semesters: Semesters of the plan; each prerequisite chain fits into them.
        courses_width: Most courses in one semester.
    """

    courses_semesters: tuple[int, ...] = knob((2, 3), 2, 6)
    courses_width: tuple[int, ...] = knob((1, 2), 1, 6)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval."""
    knobs = read_knobs(CoursesKnobs, "courses", metadata)
    return make_solved_splits("courses", lambda rng, index: make_row(rng, index, knobs), knobs, _guesses)


def make_row(rng: Rng, index: int, knobs: CoursesKnobs) -> Row:
    """One document; consecutive ones walk through the wordings, then the semesters, then the widths."""
    walk = Walk(index)
    name, wording = walk.along(WORDINGS)
    semesters, width = walk.along(knobs.courses_semesters), walk.along(knobs.courses_width)
    courses = rng.sample(COURSES, semesters * width)
    terms = [courses[i : i + width] for i in range(0, len(courses), width)]
    needs = [(rng.choice(before), course) for before, term in pairwise(terms) for course in term]
    rules = [wording.format(first=first, second=second) for first, second in rng.shuffled(needs)]
    free = [course for course in terms[0] if course not in dict(needs)]
    rules += [f"{course} can be taken at any time." for course in free]
    many = "One course" if width == 1 else f"At most {width} courses"
    question = f"{' '.join(rules)} {many} can be taken in each of {semesters} semesters. What is the plan?"
    return {
        "question": question,
        "answer": _told(terms),
        "courses": courses,
        "needs": [{"first": first, "second": second} for first, second in needs],
        "semesters": semesters,
        "width": width,
        "template": name,
    }


def _guesses(rng: Rng, row: Row) -> list[str]:
    """The courses in any order, spread over semesters of the right size."""
    orders = arrangements(rng, row["courses"], len(row["courses"]))
    return [_told([order[i : i + row["width"]] for i in range(0, len(order), row["width"])]) for order in orders]


def _told(terms: Sequence[Sequence[str]]) -> str:
    return "; ".join(f"semester {i}: {', '.join(term)}" for i, term in enumerate(terms, 1))


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: a plan that works; `partial`: the share of semesters up to the first that can't be taken so."""
    plan = read_plan(results[0], lambda part: _terms(part, doc["courses"]), doc["semesters"])
    needs = {course: frozenset(n["first"] for n in doc["needs"] if n["second"] == course) for course in doc["courses"]}
    ran = carry_out(frozenset[str](), plan, partial(_take, needs, doc["width"]))
    is_goal = len(ran.state) == len(doc["courses"]) and len(plan) <= doc["semesters"]
    return plan_scores(ran, is_goal, doc["semesters"])


def _terms(text: str, courses: Sequence[str]) -> list[tuple[str, ...]]:
    """The courses of each semester: what follows "semester 1", or, without such words, each line or part."""
    parts = _BREAK.split(text.casefold())
    parts = parts[1:] if len(parts) > 1 else _LINES.split(text)
    return [named for part in parts if (named := tuple(names_in(part, courses)))]


def _take(
    needs: Mapping[str, frozenset[str]], width: int, passed: frozenset[str], term: Sequence[str]
) -> frozenset[str] | None:
    """What is passed after one more semester; None when it has too many courses, or one that can't be taken yet."""
    taken = frozenset(term)
    is_new = len(taken) == len(term) <= width and not taken & passed
    return passed | taken if is_new and all(needs[course] <= passed for course in taken) else None


WORDINGS = (
    ("before", "{first} comes before {second}."),
    ("needs", "{second} needs {first}."),
    ("only", "Only those who passed {first} may take {second}."),
)
