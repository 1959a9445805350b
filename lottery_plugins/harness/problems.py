"""From lm-eval's instances to problems: what a reasoner may see of a document, and nothing else of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from lottery_plugins.backends.harness_lm import from_gen_kwargs
from lottery_plugins.documents import Document
from lottery_plugins.errors import DataError
from lottery_plugins.harness.offers import offer_of
from lottery_plugins.messages import Message
from lottery_plugins.trajectory import Problem

__all__ = ["ChatPrompt", "problems_of"]


class ChatPrompt(str):
    """A chat as lm-eval carries it from its prompt builder to us: JSON text, so that it can be hashed and logged.

    A class of its own, so that a task whose plain prompt happens to be JSON is not taken for a chat.
    """

    __slots__ = ()

    @classmethod
    def of(cls, chat: Sequence[Mapping[str, str]]) -> ChatPrompt:
        """Keep a message list."""
        return cls(json.dumps(list(chat), ensure_ascii=False))

    def messages(self) -> tuple[Message, ...]:
        """The messages again."""
        return tuple(Message(turn["role"], turn["content"]) for turn in json.loads(self))


def problems_of(instances: Sequence[Any], default_max_tokens: int) -> list[Problem]:
    """The problems behind some generate_until instances, in their order; repeats are numbered.

    Raises:
        DataError: A document lacks a field that its task's `metadata.lottery` names.
    """
    repeats: dict[tuple[str, int, str], int] = {}
    problems = []
    for instance in instances:
        identity = (str(instance.task_name), int(instance.doc_id or 0), str(instance.args[0]))
        sample = repeats.get(identity, 0)
        repeats[identity] = sample + 1
        problems.append(_problem(instance, sample, default_max_tokens))
    return problems


def _problem(instance: Any, sample: int, default_max_tokens: int) -> Problem:
    prompt, gen_kwargs = instance.args[:2]
    task, doc_id = str(instance.task_name), int(instance.doc_id or 0)
    offer = offer_of(task)
    where = f"task {task}, document {doc_id}"
    doc = instance.doc if isinstance(instance.doc, Mapping) else {}
    is_chat = isinstance(prompt, ChatPrompt)
    messages = prompt.messages() if isinstance(prompt, ChatPrompt) else (Message("user", str(prompt)),)
    last_turn = next((m.content for m in reversed(messages) if m.role == "user"), "")
    question = _field(doc, offer, "question", where)
    tools = offer.get("tools")
    return Problem(
        task=task,
        doc_id=doc_id,
        sample=sample,
        messages=messages,
        question=str(question) if question is not None else last_turn,
        context=str(_field(doc, offer, "context", where) or ""),
        popularity=_popularity(_field(doc, offer, "popularity", where), where),
        knowledge_base=_documents(_field(doc, offer, "knowledge_base", where), where),
        tools=None if tools is None else tuple(tools),
        config=from_gen_kwargs(gen_kwargs, default_max_tokens),
        is_chat=is_chat,
    )


def _field(doc: Mapping[str, Any], offer: Mapping[str, Any], role: str, where: str) -> Any:
    """The field of the document that plays a role, or None where the task gives the role to none."""
    name = offer.get(role)
    if name is None:
        return None
    if name not in doc:
        raise DataError(
            where,
            f"has no field {name!r}, which the task's metadata.lottery.{role} names",
            f"Its fields: {', '.join(map(str, doc)) or 'none'}.",
        )
    return doc[name]


def _popularity(raw: Any, where: str) -> float | None:
    """A number, also one that the data has as text; None for None."""
    try:
        value = None if raw is None or isinstance(raw, bool) else float(raw)
    except (TypeError, ValueError):
        value = math.nan
    if isinstance(raw, bool) or (value is not None and not math.isfinite(value)):
        raise DataError(where, f"has the popularity {raw!r}, which is no number", "Name a field that holds numbers.")
    return value


def _documents(raw: Any, where: str) -> tuple[Document, ...]:
    if raw is None:
        return ()
    found = []
    for i, item in enumerate(raw):
        if isinstance(item, str):
            found.append(Document(str(i), item))
        elif isinstance(item, Mapping) and isinstance(item.get("text"), str):
            found.append(Document(str(item.get("id", i)), item["text"], str(item.get("title") or "")))
        else:
            raise DataError(
                where, f"has a knowledge-base entry {i} without a 'text'", "Give a text, or id, title, text."
            )
    return tuple(found)
