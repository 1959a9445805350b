"""Short stories whose sentences lie apart in a long text, and eight forms of questions.

    once     where is somebody who went to one room?    one fact, in the words of the question
    person   where is somebody?                         one fact, the last of several
    thing    where is a thing?                          two facts
    before   where was it before?                       three facts
    giver    who gave it to somebody?                   one fact with three parts
    yes-no   is somebody in a room?
    count    how many things does somebody carry?       all facts of a person
    list     what does somebody carry?

Source: bAbI (Weston et al. 2015, arXiv:1502.05698), tasks 1, 2, 3, 5, 6, 7 and 8, in a long text as in BABILong
(Kuratov et al. 2024, arXiv:2406.10149). Deviation: stories and text are generated here, and the answers of the forms
with few answers are balanced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

from lottery_plugins.tasks.design import Design
from lottery_plugins.tasks.haystack import STYLES, Fact, hide
from lottery_plugins.tasks.knobs import TaskKnobs, knob, read_knobs, words_knob
from lottery_plugins.tasks.listing import NUMBER_WORDS, number_names, set_score
from lottery_plugins.tasks.long_context.worlds import Event, World, live
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row, make_splits_by
from lottery_plugins.tasks.words import NAMES, ROOMS, VALUES

__all__ = ["StoryKnobs", "build", "make_row", "score"]

_NUM_THINGS, _NUM_ROOMS = 3, 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a world, its answer, and what a blind guesser picks from."""

    question: str
    answers: list[str]
    candidates: list[str]
    hint: str = "Name the room only."


Ask = Callable[[Rng, World, int], Asked | None]
"""A question of one form, or None where the world has none; the turn balances forms that have few answers."""


def _once(rng: Rng, world: World, turn: int) -> Asked | None:
    moves = Counter(event.person for event in world.events if event.act == "go")
    settled = [who for who, count in moves.items() if count == 1]
    if not settled or len(_rooms(world)) < len(world.people):
        return None
    who = rng.choice(settled)
    return Asked(f"Where did {who} go?", [world.people[who]], _rooms(world))


def _person(rng: Rng, world: World, turn: int) -> Asked | None:
    who = rng.choice(list(world.people))
    room = world.people[who]
    return Asked(f"Where is {who}?", [room], _rooms(world)) if room else None


def _thing(rng: Rng, world: World, turn: int) -> Asked | None:
    thing = rng.choice(list(world.holder))
    rooms = world.rooms_of[thing]
    return Asked(f"Where is the {thing}?", rooms[-1:], _rooms(world)) if rooms else None


def _before(rng: Rng, world: World, turn: int) -> Asked | None:
    thing = rng.choice(list(world.holder))
    rooms = world.rooms_of[thing]
    if len(rooms) < 2:
        return None
    candidates = [room for room in _rooms(world) if room != rooms[-1]]
    return Asked(f"Where was the {thing} just before it was in the {rooms[-1]}?", rooms[-2:-1], candidates)


def _giver(rng: Rng, world: World, turn: int) -> Asked | None:
    gifts = [event for event in world.events if event.act == "give"]
    if not gifts:
        return None
    gift = rng.choice(gifts)
    candidates = [person for person in world.people if person != gift.to]
    return Asked(f"Who gave the {gift.what} to {gift.to}?", [gift.person], candidates, "Give the name only.")


def _yes_no(rng: Rng, world: World, turn: int) -> Asked | None:
    who, is_there = rng.choice(list(world.people)), turn % 2 == 0
    room = world.people[who]
    others = [other for other in _rooms(world) if other != room]
    if not room or not others:
        return None
    asked = room if is_there else rng.choice(others)
    answer = "yes" if is_there else "no"
    return Asked(f"Is {who} in the {asked}?", [answer], ["yes", "no"], "Answer with yes or no.")


def _count(rng: Rng, world: World, turn: int) -> Asked | None:
    number = turn % _NUM_THINGS
    seen = {event.person for event in world.events}
    people = [who for who in world.people if who in seen and len(world.things_of(who)) == number]
    if not people:
        return None
    question = f"How many things does {rng.choice(people)} carry?"
    return Asked(question, [str(number)], [str(i) for i in range(_NUM_THINGS)], "Give the number only.")


def _list(rng: Rng, world: World, turn: int) -> Asked | None:
    number = 1 + turn % 2
    people = [who for who in world.people if len(world.things_of(who)) == number]
    if not people:
        return None
    who = rng.choice(people)
    sets = (way for size in (1, 2) for way in combinations(world.holder, size))
    question = f"What does {who} carry?"
    return Asked(question, world.things_of(who), [", ".join(way) for way in sets], "Name all things.")


FORMS: Mapping[str, Ask] = {
    "once": _once,
    "person": _person,
    "thing": _thing,
    "before": _before,
    "giver": _giver,
    "yes-no": _yes_no,
    "count": _count,
    "list": _list,
}

TEMPLATES: Mapping[str, Mapping[str, str]] = {
    "plain": {
        "go": "{p} went to the {x}.",
        "take": "{p} took the {x}.",
        "drop": "{p} dropped the {x}.",
        "give": "{p} gave the {x} to {q}.",
    },
    "careful": {
        "go": "{p} walked to the {x}.",
        "take": "{p} picked up the {x}.",
        "drop": "{p} put down the {x}.",
        "give": "{p} handed the {x} to {q}.",
    },
    "then": {
        "go": "Then {p} moved to the {x}.",
        "take": "Then {p} got the {x}.",
        "drop": "Then {p} left the {x}.",
        "give": "Then {p} gave {q} the {x}.",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryKnobs(TaskKnobs):
    """Knobs of the stories.

    Attributes:
        stories_events: Sentences of the story.
        stories_people: People in it; at least two where somebody gives something.
        stories_lengths: Lengths of the text in tokens of an English vocabulary, about.
        stories_forms: What is asked.
        stories_styles: What the text is.
    """

    stories_events: tuple[int, ...] = knob((5, 10), 5, 200)
    stories_people: tuple[int, ...] = knob((1, 3), 1, 6)
    stories_lengths: tuple[int, ...] = knob((64, 256, 512), 32, 1_000_000)
    stories_forms: tuple[str, ...] = words_knob(tuple(FORMS), is_graded=True)
    stories_styles: tuple[str, ...] = words_knob(STYLES[::-1], is_graded=True)


def build(**metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval; examples for few-shot have the shortest length."""
    knobs = read_knobs(StoryKnobs, "stories", metadata)
    return make_splits_by("stories", knobs, lambda k: partial(make_row, _design(k)), easiest="stories_lengths")


def _design(knobs: StoryKnobs) -> Design:
    return Design(
        "stories",
        grid={"form": knobs.stories_forms, "length": knobs.stories_lengths},
        mixed={
            "events": knobs.stories_events,
            "people": knobs.stories_people,
            "template": tuple(TEMPLATES),
            "style": knobs.stories_styles,
        },
    )


def make_row(design: Design, rng: Rng, index: int) -> Row:
    """One document: stories are made until one has an answer to a question of the form."""
    levels = design.levels(index)
    asked, turn, fewest = None, rng.below(6), 2 if levels["form"] == "giver" else 1
    while asked is None:
        people, things = rng.sample(NAMES, max(levels["people"], fewest)), rng.sample(VALUES, _NUM_THINGS)
        settled = people[0] if levels["form"] == "once" else ""
        world = live(rng, people, things, rng.sample(ROOMS, _NUM_ROOMS), levels["events"], settled=settled)
        asked = FORMS[levels["form"]](rng, world, turn)
    said = [_say(levels["template"], event) for event in world.events]
    places = sorted(rng.below(1000) / 1000 for _ in said)
    facts = [Fact(text, place) for text, place in zip(said, places, strict=True)]
    return {
        "context": hide(rng, levels["style"], levels["length"], facts),
        "question": asked.question,
        "hint": asked.hint,
        "answer": ", ".join(asked.answers),
        "answers": asked.answers,
        "candidates": asked.candidates if len(asked.candidates) > 1 else [],  # nothing to pick
        **levels,
    }


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """1 when what is asked for is named, all of it, and no other room, person, thing or number is."""
    text, right = results[0], doc["answers"]
    if doc["form"] == "count":
        nothing = ["no", "none", "nothing"] if right == ["0"] else []
        others = [word for word in NUMBER_WORDS if word != "one"]  # "one" may be a pronoun
        return {"acc": value_score(text, [*number_names(int(right[0])), *nothing], others)}
    if doc["form"] == "list":
        return {"acc": set_score(text, right, VALUES)}
    return {"acc": value_score(text, right, ROOMS if right[0] in ROOMS else doc["candidates"])}


def _say(template: str, event: Event) -> str:
    return TEMPLATES[template][event.act].format(p=event.person, x=event.what, q=event.to)


def _rooms(world: World) -> list[str]:
    """Rooms that the story names, in the order in which it does."""
    return list(dict.fromkeys(event.what for event in world.events if event.act == "go"))
