"""Questions with the text that answers them: in-context retrieval (TriviaQA) and several hops (HotpotQA, MuSiQue).

Source: TriviaQA (Joshi et al. 2017, arXiv:1705.03551) with its own evidence, as in LLM-KICK's in-context retrieval QA
(arXiv:2310.01382); HotpotQA (Yang et al. 2018, arXiv:1809.09600) with distractors; MuSiQue (Trivedi et al. 2022,
arXiv:2108.00573), answerable questions. Exact match and F1 are those of the sources; `acc` is ours.
Deviation: TriviaQA's evidence is cut to a window that holds an accepted answer; rows whose evidence holds none are left
out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lottery_plugins.tasks.knobs import knob, read_knobs
from lottery_plugins.tasks.paper.matching import answer_scores, normalize
from lottery_plugins.tasks.paper_rows import PaperKnobs, RowSource, builder, one_split, read_rows, split_rows
from lottery_plugins.tasks.randomness import Rng
from lottery_plugins.tasks.scoring import value_score
from lottery_plugins.tasks.splits import Row

__all__ = [
    "build_hotpotqa",
    "build_musique",
    "build_triviaqa",
    "hotpotqa_row",
    "musique_row",
    "score",
    "triviaqa_row",
]

TRIVIAQA = RowSource(
    task="lottery-paper-triviaqa",
    file="trivia_qa",
    columns=("question_id", "question", "entity_pages", "answer"),
    download=one_split("mandarjoshi/trivia_qa", "rc.wikipedia", "validation"),
)
HOTPOTQA = RowSource(
    task="lottery-paper-hotpotqa",
    file="hotpotqa_100",
    columns=("id", "question", "answer", "type", "context"),
    download=one_split("hotpotqa/hotpot_qa", "distractor", "validation"),
)
MUSIQUE = RowSource(
    task="lottery-paper-musique",
    file="musique_100",
    columns=("id", "question", "answer", "answer_aliases", "paragraphs"),
    download=one_split("dgslibisey/MuSiQue", None, "validation"),
)
_CLOSED = ("yes", "no", "noanswer")
"""Answers that HotpotQA's script accepts only as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriviaKnobs(PaperKnobs):
    """Knobs of the TriviaQA task.

    Attributes:
        triviaqa_words: Words of the evidence that are given.
    """

    triviaqa_words: int = knob(400, 50, 100_000)


def build_triviaqa(*, data_dir: str | None = None, **metadata: Any) -> dict[str, Any]:
    """The splits for lm-eval.

    Raises:
        DataError: The rows can't be found or read.
    """
    knobs = read_knobs(TriviaKnobs, "triviaqa", metadata)
    rows = read_rows(TRIVIAQA, data_dir, lambda row: triviaqa_row(row, knobs.triviaqa_words))
    return split_rows("triviaqa", rows, knobs, TRIVIAQA)


def triviaqa_row(row: Mapping[str, Any], num_words: int) -> Row | None:
    """One document, its context so many words of the first page that holds an accepted answer; None: none does."""
    value, aliases = row["answer"]["value"], row["answer"]["aliases"]
    answers = list(dict.fromkeys(str(answer) for answer in [value, *aliases] if normalize(str(answer))))
    spellings = "|".join(map(re.escape, sorted(answers, key=len, reverse=True)))
    answer = re.compile(rf"(?<!\w)(?:{spellings})(?!\w)", re.IGNORECASE)
    for page in row["entity_pages"]["wiki_context"]:
        if answers and (found := answer.search(page)):
            start, num_found = len(page[: found.start()].split()), len(found[0].split())
            rng = Rng("triviaqa", str(row["question_id"]))
            context = _window(page.split(), start, num_found, num_words, rng)
            return {
                "id": str(row["question_id"]),
                "context": context,
                "question": row["question"].strip(),
                "answers": answers,
                "answer": answers[0],
            }
    return None


def _window(words: Sequence[str], start: int, length: int, num_words: int, rng: Rng) -> str:
    """So many neighbouring words, at a random place that holds those from `start` on."""
    last = max(0, min(start, len(words) - num_words))
    first = min(last, max(0, start + length - num_words))
    place = rng.between(first, last)
    return " ".join(words[place : place + num_words])


def hotpotqa_row(row: Mapping[str, Any]) -> Row:
    """One document; its context holds all paragraphs, those that mislead too."""
    titles, sentences = row["context"]["title"], row["context"]["sentences"]
    paragraphs = [f"{title}\n{' '.join(''.join(text).split())}" for title, text in zip(titles, sentences, strict=True)]
    return {
        "id": row["id"],
        "context": _joined(paragraphs),
        "question": row["question"].strip(),
        "answers": [str(row["answer"])],
        "answer": str(row["answer"]),
        "type": row["type"],
    }


def musique_row(row: Mapping[str, Any]) -> Row | None:
    """One document with the number of its hops; None where the paragraphs don't answer it."""
    if not row.get("answerable", True):
        return None
    hops = re.match(r"(\d)hop", row["id"])
    if hops is None:
        raise ValueError(f"the id {row['id']!r} doesn't begin with the number of hops")
    paragraphs = [f"{p['title']}\n{p['paragraph_text'].strip()}" for p in row["paragraphs"]]
    return {
        "id": row["id"],
        "context": _joined(paragraphs),
        "question": row["question"].strip(),
        "answers": [str(row["answer"]), *map(str, row["answer_aliases"])],
        "answer": str(row["answer"]),
        "hops": int(hops[1]),
    }


build_hotpotqa = builder("hotpotqa", HOTPOTQA, hotpotqa_row)
build_musique = builder("musique", MUSIQUE, musique_row)


def score(doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """`acc`: an accepted answer occurs as whole words; exact match and F1, best over answers.

    Where the answer is yes or no, `acc` is the first of the two that the text says, and F1 is the exact match.
    """
    scores = answer_scores(results[0], doc["answers"])
    gold = normalize(doc["answer"])
    if gold in _CLOSED:
        return {**scores, "acc": value_score(results[0], [gold], _CLOSED), "f1": scores["exact_match"]}
    return scores


def _joined(paragraphs: Sequence[str]) -> str:
    if not paragraphs:
        raise ValueError("no paragraphs")
    return "\n\n".join(paragraphs)
