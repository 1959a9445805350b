"""The checks of IFEval that need neither a model nor a data file: pure functions of a reply and what was wished.

Source: Zhou et al. 2023, arXiv:2311.07911, by the names of its data set. Deviations: words and marks are looked for as
they are written, not as regular expressions; sentences end at ".", "!" or "?" before a blank (the source: NLTK); words
in capitals are runs of letters (the source: NLTK's tokens); "in English" is not checked beside the case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["CHECKS", "Wish"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One instruction.

    Attributes:
        name: As in the data set, e.g. "punctuation:no_comma".
        given: Its numbers and words, by the data set's names.
    """

    name: str
    given: Mapping[str, Any]

    def to_json(self) -> str:
        """As text, so that all documents have fields of the same types."""
        return json.dumps({"name": self.name, "given": dict(self.given)}, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Wish:
        """The wish of such a text."""
        return Wish(**json.loads(text))

    def text(self, key: str) -> str:
        """A value that must be a string."""
        if not isinstance(value := self.given[key], str):
            raise TypeError(f"{self.name}: {key} is {value!r}, not a text")
        return value

    def texts(self, key: str) -> list[str]:
        """A value that must be a list of strings."""
        if not isinstance(values := self.given[key], list) or not all(isinstance(v, str) for v in values):
            raise TypeError(f"{self.name}: {key} is {values!r}, not a list of texts")
        return values

    def number(self, key: str) -> int:
        """A value that must be a whole number."""
        if isinstance(value := self.given[key], bool) or value != int(value):
            raise TypeError(f"{self.name}: {key} is {value!r}, not a whole number")
        return int(value)

    def agrees(self, count: int, key: str, relation: str = "relation") -> bool:
        """Whether a count is less than the number wished, or at least it, as the wish says."""
        limit, wished = self.number(key), self.given[relation]
        if wished not in ("less than", "at least"):
            raise ValueError(f"{self.name}: {relation} is {wished!r}, not 'less than' or 'at least'")
        return count < limit if wished == "less than" else count >= limit


def _all_keywords(reply: str, wish: Wish) -> bool:
    return all(word.lower() in reply.lower() for word in wish.texts("keywords"))


def _keyword_count(reply: str, wish: Wish) -> bool:
    return wish.agrees(reply.lower().count(wish.text("keyword").lower()), "frequency")


def _no_forbidden_word(reply: str, wish: Wish) -> bool:
    words = map(re.escape, wish.texts("forbidden_words"))
    return not any(re.search(rf"(?<!\w){word}(?!\w)", reply, re.IGNORECASE) for word in words)


def _letter_count(reply: str, wish: Wish) -> bool:
    return wish.agrees(reply.lower().count(wish.text("letter").lower()), "let_frequency", "let_relation")


def _sentence_count(reply: str, wish: Wish) -> bool:
    sentences = [s for s in re.split(r"(?<=[.!?])[\"')]*\s+", reply.strip()) if re.search(r"\w", s)]
    return wish.agrees(len(sentences), "num_sentences")


def _word_count(reply: str, wish: Wish) -> bool:
    return wish.agrees(len(re.findall(r"\w+", reply)), "num_words")


def _starred_paragraphs(reply: str, wish: Wish) -> bool:
    """So many paragraphs between lines of three stars; only the first and the last may be empty."""
    parts = [part.strip() for part in reply.split("***")]
    inner = parts[1:-1]
    return all(inner) and sum(map(bool, parts)) == wish.number("num_paragraphs")


def _first_word_of_paragraph(reply: str, wish: Wish) -> bool:
    paragraphs = [part.strip() for part in reply.split("\n\n")]
    number, place = wish.number("num_paragraphs"), wish.number("nth_paragraph")
    wanted = wish.text("first_word").lower()
    if not 1 <= place <= len(paragraphs) or not paragraphs[place - 1]:
        return False
    first = re.split(r"[.,?!'\"]", paragraphs[place - 1].split()[0].lstrip("'\""))[0].lower()
    return sum(map(bool, paragraphs)) == number and first == wanted


def _placeholders(reply: str, wish: Wish) -> bool:
    return len(re.findall(r"\[.*?\]", reply)) >= wish.number("num_placeholders")


def _postscript(reply: str, wish: Wish) -> bool:
    letters = re.findall(r"\w", wish.text("postscript_marker").lower())
    return bool(letters) and re.search(r"(?<!\w)" + r"\.\s?".join(letters), reply.lower()) is not None


def _bullets(reply: str, wish: Wish) -> bool:
    found = re.findall(r"^\s*(?:\*[^*\n]|-).*$", reply, re.MULTILINE)
    return len(found) == wish.number("num_bullets")


def _highlights(reply: str, wish: Wish) -> bool:
    """Texts between single stars, and texts between double ones, each counted."""
    single = [text for text in re.findall(r"\*([^\n*]*)\*", reply) if text.strip()]
    double = [text for text in re.findall(r"\*\*([^\n*]*)\*\*", reply) if text.strip()]
    return len(single) + len(double) >= wish.number("num_highlights")


def _sections(reply: str, wish: Wish) -> bool:
    found = re.findall(rf"{re.escape(wish.text('section_spliter'))}\s?\d+", reply)
    return len(found) >= wish.number("num_sections")


def _one_of_three(reply: str, wish: Wish) -> bool:
    return any(f"My answer is {word}." in reply for word in ("yes", "no", "maybe"))


def _json(reply: str, wish: Wish) -> bool:
    text = re.sub(r"^```(?:json)?|```$", "", reply.strip(), flags=re.IGNORECASE)
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _title(reply: str, wish: Wish) -> bool:
    return any(title.strip("<> ") for title in re.findall(r"<<[^\n]+>>", reply))


def _two_replies(reply: str, wish: Wish) -> bool:
    parts = [part.strip() for part in reply.split("******")]
    whole = [part for part in parts if part]
    return all(parts[1:-1]) and len(whole) == 2 and whole[0] != whole[1]


def _repeats(reply: str, wish: Wish) -> bool:
    return reply.strip().lower().startswith(wish.text("prompt_to_repeat").strip().lower())


def _ends_with(reply: str, wish: Wish) -> bool:
    return reply.strip().strip('"').lower().endswith(wish.text("end_phrase").strip().lower())


def _capital_words(reply: str, wish: Wish) -> bool:
    words = [word for word in re.findall(r"[^\W\d_]+", reply) if word.isupper()]
    return wish.agrees(len(words), "capital_frequency", "capital_relation")


def _in_quotes(reply: str, wish: Wish) -> bool:
    text = reply.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


CHECKS: Mapping[str, Callable[[str, Wish], bool]] = {
    "keywords:existence": _all_keywords,
    "keywords:frequency": _keyword_count,
    "keywords:forbidden_words": _no_forbidden_word,
    "keywords:letter_frequency": _letter_count,
    "length_constraints:number_sentences": _sentence_count,
    "length_constraints:number_paragraphs": _starred_paragraphs,
    "length_constraints:number_words": _word_count,
    "length_constraints:nth_paragraph_first_word": _first_word_of_paragraph,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _one_of_three,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": _title,
    "combination:two_responses": _two_replies,
    "combination:repeat_prompt": _repeats,
    "startend:end_checker": _ends_with,
    "startend:quotation": _in_quotes,
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": lambda reply, wish: reply.isupper(),
    "change_case:english_lowercase": lambda reply, wish: reply.islower(),
    "punctuation:no_comma": lambda reply, wish: "," not in reply,
}
"""The checks by the data set's names; each takes any text, evaluates nothing, and raises only for a broken wish."""
