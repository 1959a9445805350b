"""From what the solver says to what the task asks for. Pure functions; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lottery_logic.solvers.answers import NONE, TRUTHS
from lottery_plugins.errors import suggest

__all__ = ["Verdict", "choices_in", "is_about_truth", "verdict"]

_CHOICE = re.compile(
    r"(?:^[ \t]*\(?([A-Z])[).:]|(?<=\s)\(?([A-Z])\))[ \t]+(\S[^\n]*?)(?=[ \t]+\(?[A-Z]\)[ \t]|[ \t]*$)", re.MULTILINE
)
_TRUTH_OF = {
    **dict.fromkeys(("true", "yes", "correct"), "true"),
    **dict.fromkeys(("false", "no", "incorrect"), "false"),
    **dict.fromkeys(
        ("unknown", "uncertain", "undetermined", "cannot be determined", "not enough information"), "unknown"
    ),
}
_FOUND = re.compile(r"[^=\n]+ = ([^=\n]+)")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to a problem, or why the solver's answer is none: then `complaint` says it to the model."""

    answer: str | None
    complaint: str = ""


def choices_in(text: str) -> dict[str, str]:
    """The lettered choices that a text ends with, by letter: "A) True", "(B) False"; empty when there are none.

    Of several lists, such as those of examples, the last one counts.
    """
    choices: dict[str, str] = {}
    for match in _CHOICE.finditer(text):
        letter = match[1] or match[2]
        if letter == "A":
            choices = {}
        if letter == chr(ord("A") + len(choices)):
            choices[letter] = match[3].strip()
    return choices if len(choices) > 1 else {}


def is_about_truth(choices: Mapping[str, str]) -> bool:
    """Whether all choices are words such as True, False and Unknown."""
    return all(_truth(text) for text in choices.values())


def verdict(result: str, choices: Mapping[str, str], *, closed_world: bool = False) -> Verdict:
    """What a result of the `logic` tool means for a problem.

    Args:
        result: The tool's text.
        choices: The problem's lettered choices; without any, the result's own word is the answer.
        closed_world: Where the choices know no "unknown", what does not follow is false.
    """
    lines = result.strip().splitlines()
    if len(lines) != 1:
        return Verdict(None, f"The program gave {len(lines)} answers. Ask one thing.")
    word = lines[0].strip()
    if word in TRUTHS.values():
        return _of_truth(word, choices, closed_world=closed_world)
    if found := _FOUND.fullmatch(word):
        return _of_value(found[1].strip(), choices)
    labels = [label.strip() for label in word.split(",")]
    if word == NONE or len(labels) > 1:
        what = "No option is" if word == NONE else f"The options {word} are all"
        return Verdict(None, f"{what} what was asked for. Exactly one option must be.")
    if choices and word not in choices:
        return Verdict(None, f"There is no choice {word!r}. {suggest(word, choices)}Choices: {', '.join(choices)}.")
    return Verdict(word)


def _of_truth(word: str, choices: Mapping[str, str], *, closed_world: bool) -> Verdict:
    if not choices:
        return Verdict(word.capitalize())
    letters = {_truth(text): letter for letter, text in choices.items()}
    if word in letters:
        return Verdict(letters[word])
    if word == "unknown" and closed_world and "false" in letters:
        return Verdict(letters["false"])
    if not is_about_truth(choices):
        return Verdict(None, f"The answer is {word!r}, but a choice is wanted. Write a line for each: option A: ...")
    return Verdict(None, "Neither the statement nor its opposite follows. Check that each name is written in one way.")


def _of_value(value: str, choices: Mapping[str, str]) -> Verdict:
    if not choices:
        return Verdict(value)
    same = [letter for letter, text in choices.items() if _plain(text) == _plain(value)]
    if len(same) == 1:
        return Verdict(same[0])
    return Verdict(None, f"{value!r} is none of the choices. Write a line for each choice: option A: ...")


def _truth(text: str) -> str | None:
    return _TRUTH_OF.get(_plain(text))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[_\s]+", " ", text).strip(" .").lower().split())
