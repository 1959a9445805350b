"""People who go to rooms, and take, drop and give things: the world that the stories are told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lottery_plugins.tasks.randomness import Rng

__all__ = ["Event", "World", "live"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens.

    Attributes:
        act: "go", "take", "drop" or "give".
        person: Who does it.
        what: The room gone to, or the thing.
        to: Who gets the thing.
    """

    act: str
    person: str
    what: str
    to: str = ""


@dataclass(slots=True)
class World:
    """Where everybody and everything is, after some events.

    Attributes:
        people: Room of each person, "" before the first move.
        holder: Who has each thing; "" for nobody.
        rooms_of: Rooms in which each thing was, in order, without immediate repetition.
        events: What happened.
    """

    people: dict[str, str]
    holder: dict[str, str]
    rooms_of: dict[str, list[str]]
    events: list[Event] = field(default_factory=list)

    def do(self, event: Event) -> None:
        """Let an event happen; it must be possible."""
        self.events.append(event)
        if event.act == "go":
            self.people[event.person] = event.what
            for thing in self.things_of(event.person):
                self._be(thing, event.what)
            return
        self.holder[event.what] = {"take": event.person, "give": event.to, "drop": ""}[event.act]
        self._be(event.what, self.people[event.person])

    def things_of(self, person: str) -> list[str]:
        """What a person carries."""
        return [thing for thing, holder in self.holder.items() if holder == person]

    def can_take(self, person: str) -> list[str]:
        """Free things in the person's room, or that were nowhere so far; none before the first move."""
        room = self.people[person]
        free = (thing for thing, holder in self.holder.items() if not holder)
        return [thing for thing in free if room and (not self.rooms_of[thing] or self.rooms_of[thing][-1] == room)]

    def can_get(self, giver: str, thing: str) -> list[str]:
        """Who is in the giver's room and never got this thing from anybody."""
        had = {event.to for event in self.events if event.act == "give" and event.what == thing}
        room = self.people[giver]
        return [who for who, where in self.people.items() if where == room and who != giver and who not in had]

    def _be(self, thing: str, room: str) -> None:
        if self.rooms_of[thing][-1:] != [room]:
            self.rooms_of[thing].append(room)


def live(
    rng: Rng, people: Sequence[str], things: Sequence[str], rooms: Sequence[str], count: int, *, settled: str = ""
) -> World:
    """A world after `count` random events; each is possible, and a move goes to another room.

    `settled` is somebody who moves once at most.
    """
    world = World(dict.fromkeys(people, ""), dict.fromkeys(things, ""), {thing: [] for thing in things})
    while len(world.events) < count:
        event = _event(rng, world, rooms, settled)
        if event is not None:
            world.do(event)
    return world


def _event(rng: Rng, world: World, rooms: Sequence[str], settled: str) -> Event | None:
    """A random event, or None where the one drawn is not possible."""
    person = rng.choice(list(world.people))
    held = world.things_of(person)
    draw = rng.below(10)
    if draw < 4 and world.people[person] and person == settled:
        return None
    if draw < 4:
        return Event("go", person, rng.choice([room for room in rooms if room != world.people[person]]))
    if draw < 7:
        free = world.can_take(person)
        return Event("take", person, rng.choice(free)) if free else None
    if not held:
        return None
    thing = rng.choice(held)
    if draw < 8:
        return Event("drop", person, thing)
    receivers = world.can_get(person, thing)
    return Event("give", person, thing, rng.choice(receivers)) if receivers else None
