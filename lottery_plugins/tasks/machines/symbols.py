"""Symbols of one character, as machines and strings use them, and how models write rows of them."""

from __future__ import annotations

import re
from collections.abc import Collection

from lottery_plugins.tasks.words import word_list

__all__ = ["CONSONANTS", "WORDS", "spaced"]

CONSONANTS = "bcdfghjkmnprtvz"
"""Letters that make no English word among themselves."""

WORDS = word_list(
    "apple ball bear bell bird boat book cake cat chair clock coin cow cup desk dog door duck fish flag fork "
    "frog glass goat gold horse key king knife lamp leaf lion moon mouse nest pen piano pig queen ring ship shoe "
    "snake spoon star sun table train tree wolf"
)
"""What may stand in a cell."""


def spaced(text: str, alphabet: Collection[str]) -> str:
    """The text with rows of symbols taken apart: "cbb" reads "c b b" where c and b are symbols of one character."""
    single = "".join(re.escape(symbol) for symbol in alphabet if len(symbol) == 1)
    return re.sub(rf"\b[{single}]{{2,}}\b", lambda row: " ".join(row[0]), text, flags=re.IGNORECASE) if single else text
