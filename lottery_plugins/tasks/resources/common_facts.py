"""Common facts that nobody disputes, written down for this project, and the questions that they answer.

A relation has a question, facts in two tiers (what every child knows, what one learns at school), and a way to say
something invented in the same place, so that the question's form does not tell whether there is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["RELATIONS", "Relation"]


@dataclass(frozen=True, slots=True)
class Relation:
    """A kind of question.

    Attributes:
        name: Name of the relation.
        question: With {subject} in it.
        facts: For each tier, the accepted answers by subject, separated by "/".
        invented: What stands for the subject when it is invented, with {name} in it.
    """

    name: str
    question: str
    facts: tuple[Mapping[str, str], Mapping[str, str]]
    invented: str = "{name}"


def _facts(text: str) -> dict[str, str]:
    return dict(fact.split("=") for fact in text.split("|"))


def _relation(name: str, question: str, easy: str, harder: str, invented: str = "{name}") -> Relation:
    return Relation(name, question, (_facts(easy), _facts(harder)), invented)


RELATIONS = (
    _relation(
        "opposite",
        "What is the opposite of {subject}?",
        "hot=cold|big=small/little|up=down|day=night|old=young/new|fast=slow|open=closed/close/shut|happy=sad/unhappy|"
        "wet=dry|black=white|left=right|good=bad/evil|full=empty|light=dark/heavy/darkness|high=low|long=short",
        "rich=poor|deep=shallow|ancient=modern|arrive=leave/depart|win=lose|noisy=quiet/silent|guilty=innocent|"
        "victory=defeat|ceiling=floor|north=south|generous=stingy/selfish/greedy|maximum=minimum|buy=sell",
    ),
    _relation(
        "next",
        "What comes right after {subject}?",
        "Monday=Tuesday|Tuesday=Wednesday|Wednesday=Thursday|Thursday=Friday|Friday=Saturday|Saturday=Sunday|"
        "Sunday=Monday|January=February|February=March|March=April|April=May|May=June|June=July|July=August",
        "August=September|September=October|October=November|November=December|December=January|winter=spring|"
        "spring=summer|summer=autumn/fall|Jupiter among the planets=Saturn|Saturn among the planets=Uranus",
    ),
    _relation(
        "capital",
        "What is the capital of {subject}?",
        "France=Paris|Italy=Rome|Germany=Berlin|Spain=Madrid|England=London|Japan=Tokyo|Russia=Moscow|China=Beijing|"
        "Greece=Athens|Egypt=Cairo|Portugal=Lisbon|Ireland=Dublin|Austria=Vienna|Cuba=Havana",
        "Norway=Oslo|Sweden=Stockholm|Finland=Helsinki|Denmark=Copenhagen|Poland=Warsaw|Hungary=Budapest|Peru=Lima|"
        "Canada=Ottawa|Australia=Canberra|Kenya=Nairobi|Thailand=Bangkok|Vietnam=Hanoi|Iran=Tehran|Chile=Santiago",
    ),
    _relation(
        "language",
        "Which language do most people in {subject} speak?",
        "France=French|Germany=German|Italy=Italian|Spain=Spanish|England=English|Japan=Japanese|Russia=Russian|"
        "China=Chinese/Mandarin|Portugal=Portuguese|Greece=Greek|Poland=Polish|Sweden=Swedish",
        "Brazil=Portuguese|Mexico=Spanish|Austria=German|Argentina=Spanish|Australia=English|Egypt=Arabic|"
        "Cuba=Spanish|Chile=Spanish|Iran=Persian/Farsi|Israel=Hebrew|Iraq=Arabic|Colombia=Spanish",
    ),
    _relation(
        "color",
        "What color is {subject}?",
        "a ripe banana=yellow|fresh snow=white|grass=green|coal=black|a clear sky at noon=blue|blood=red|milk=white|"
        "a carrot=orange|a ripe lemon=yellow|chocolate=brown|a ripe strawberry=red|a school bus in America=yellow",
        "a flamingo=pink|an emerald=green|a ruby=red|a sapphire=blue|a polar bear=white|a lime=green|salt=white|"
        "the leaf of a clover=green|the yolk of an egg=yellow/orange|lavender=purple/violet|cinnamon=brown|ivory=white",
        "the flower called {name}",
    ),
    _relation(
        "legs",
        "How many legs does a {subject} have?",
        "dog=4/four|cat=4/four|spider=8/eight|horse=4/four|hen=2/two|cow=4/four|duck=2/two|sheep=4/four|lion=4/four",
        "bee=6/six|beetle=6/six|ant=6/six|ostrich=2/two|scorpion=8/eight|butterfly=6/six|giraffe=4/four|penguin=2/two",
    ),
    _relation(
        "writer",
        "Who wrote {subject}?",
        "Hamlet=Shakespeare|Romeo and Juliet=Shakespeare|Harry Potter=Rowling|Oliver Twist=Dickens|Macbeth=Shakespeare",
        "Pride and Prejudice=Austen|War and Peace=Tolstoy|The Hobbit=Tolkien|Don Quixote=Cervantes|Faust=Goethe|"
        "Frankenstein=Shelley|Robinson Crusoe=Defoe|Dracula=Stoker|The Iliad=Homer|The Divine Comedy=Dante",
        "the novel {name}",
    ),
    _relation(
        "young",
        "What do you call a young {subject}?",
        "dog=puppy|cat=kitten|cow=calf|sheep=lamb|horse=foal/colt/filly|duck=duckling|hen=chick|pig=piglet|bear=cub",
        "goat=kid|goose=gosling|swan=cygnet|kangaroo=joey|lion=cub|deer=fawn|frog=tadpole|elephant=calf|eagle=eaglet",
    ),
)
