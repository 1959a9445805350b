"""Word lists and filler text, written for this project; nothing is taken from a corpus.

No word is in two lists of values, so that a scorer can tell a right value from a listing of all of them. Changing a
list changes documents: raise `metadata.version` of the tasks that use it.
"""

from __future__ import annotations

from lottery_plugins.tasks.randomness import Rng

__all__ = [
    "CITIES",
    "NAMES",
    "ROOMS",
    "THINGS",
    "VALUES",
    "coin_word",
    "coin_words",
    "count_words",
    "filler",
    "sentence_count",
    "with_article",
    "word_list",
]


def word_list(text: str) -> tuple[str, ...]:
    """The entries of a list written as one string: separated by "|" where there is one, else by blanks."""
    return tuple(text.split("|" if "|" in text else None))


NAMES = word_list(
    "Adam Alice Anna Ben Carla Clara David Diana Edgar Elena Emma Eric Fiona Frank George Grace Hanna Henry Ida "
    "Ivan Jack Jane Julia Karen Laura Leo Lucy Maria Martin Max Mia Nina Noah Nora Olga Oscar Paul Peter Rosa "
    "Ruth Sam Sara Simon Sofia Thomas Tina Victor Walter"
)
"""First names of people."""

THINGS = word_list(
    "lighthouse library museum harbor windmill greenhouse theater chapel castle mill stable cellar attic tunnel "
    "tower workshop bakery brewery laundry foundry quarry orchard vineyard observatory"
)
"""Places that can be guarded by a code."""

VALUES = word_list(
    "anchor badger basket beetle bottle button camel candle carpet carrot cherry copper cotton dragon eagle "
    "falcon feather garlic ginger guitar hammer helmet ladder lemon magnet marble mirror monkey needle orange "
    "oyster panther parrot pepper pillow pirate pumpkin rabbit ribbon saddle salmon shovel silver spider sponge "
    "turtle violin walnut whistle zebra"
)
"""Everyday words that serve as values; fifty of them."""

CITIES = word_list(
    "Amsterdam Athens Berlin Boston Cairo Chicago Denver Dublin Geneva Havana Helsinki Kyoto Lima Lisbon London "
    "Madrid Montreal Moscow Munich Naples Oslo Paris Prague Rome Seattle Sydney Tokyo Venice Vienna Warsaw"
)
"""Large cities, one word each."""

ROOMS = word_list(
    "attic balcony basement bathroom bedroom cellar garage garden hallway kitchen library nursery office pantry"
)
"""Rooms of a house; some are also in `THINGS`."""

_SUBJECTS = word_list(
    "The old teacher|My neighbor|A young painter|The postman|Her cousin|The quiet farmer|A group of children|"
    "The tired driver|His aunt|The new doctor|A travelling merchant|The gardener|Our guide|The fisherman|"
    "A friendly clerk|The tall student|An elderly couple|The carpenter"
)
_ACTS = word_list(
    "walked slowly|talked about the weather|read a long letter|waited for the bus|bought fresh bread|"
    "told a funny story|watched the clouds|looked for a lost glove|drank a cup of tea|sang an old song|"
    "repaired a broken chair|drew a picture of a boat|counted the passing birds|listened to the radio|"
    "planted a few flowers|carried a heavy bag|wrote a short note|ate a small lunch"
)
_PLACES = word_list(
    "near the river|in the park|by the station|at the market|on the hill|under a tall tree|beside the road|"
    "in front of the school|behind the church|along the beach|next to the fountain|at the edge of the forest|"
    "outside the town hall|on a wooden bench|close to the bridge|in the back yard"
)
_TIMES = word_list(
    "early in the morning|late in the evening|after the rain|before noon|on a warm day|during the winter|"
    "while the sun was setting|when the wind was calm|just after breakfast|on a foggy day|"
    "as the bells were ringing|for most of the afternoon"
)
_FILLERS = len(_SUBJECTS) * len(_ACTS) * len(_PLACES) * len(_TIMES)

_WORDS_PER_FILLER = 12.0
_TOKENS_PER_WORD = 1.28

_ONSETS = word_list("b br d dr f fl g gr h j k kl l m n p pl r s sk st t tr v z")
_VOWELS = word_list("a e i o u ia eo au")
_CODAS = word_list("l n r s th m rn x sk nd")


def filler(rng: Rng) -> str:
    """One sentence about nothing in particular, without digits, names or values. One draw."""
    draw = rng.below(_FILLERS)
    draw, subject = divmod(draw, len(_SUBJECTS))
    draw, act = divmod(draw, len(_ACTS))
    time, place = divmod(draw, len(_PLACES))
    return f"{_SUBJECTS[subject]} {_ACTS[act]} {_PLACES[place]} {_TIMES[time]}."


def sentence_count(tokens: int, words_used: int = 0) -> int:
    """How many filler sentences bring a text to about `tokens` tokens of an English byte-pair vocabulary."""
    return max(0, round((tokens / _TOKENS_PER_WORD - words_used) / _WORDS_PER_FILLER))


def count_words(text: str) -> int:
    """Words as separated by blanks."""
    return len(text.split())


def coin_word(rng: Rng, syllables: int = 2) -> str:
    """An invented, pronounceable word with a capital, such as "Brauthez"; 200 to the power of `syllables` and more."""
    word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)) + rng.choice(_CODAS)
    return word.capitalize()


def coin_words(rng: Rng, count: int) -> list[str]:
    """Different invented words."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[coin_word(rng)] = None
    return list(found)


def with_article(word: str) -> str:
    """A word with "a" or "an" before it."""
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
