"""The history of one trajectory as token ids: which calls were made, and from which of them a new prompt goes on.

A reasoner's prompts grow: the next one is the last one, what the model wrote, and something more. Only that something
is encoded; the rest goes to the engine as the ids that it had and gave. Encoding the whole text again would cost time
and give other ids than those the model wrote.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from lottery_plugins.engine.stops import num_ids_within
from lottery_plugins.engine.tokens import TokenCodec
from lottery_plugins.protocols.engine import Session, TokenEngine

__all__ = ["Call", "History"]


@dataclass(slots=True, eq=False)
class Call:
    """One prompt and, once it is answered, its completion.

    The prompt's ids are the first `base` of the session's ids and `new_ids`.

    Attributes:
        prompt: The prompt's text.
        session: Holds at least the first `base` ids of the prompt.
        base: How many ids of the session the prompt begins with.
        new_ids: The rest of the prompt.
        text: The completion; "" while there is none.
        ids: Its tokens; () while there is none.
    """

    prompt: str
    session: Session
    base: int
    new_ids: list[int]
    text: str = ""
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a new prompt goes on from: a call and so much of its completion."""

    call: Call
    num_ids: int
    num_characters: int


class History:
    """The calls of one trajectory.

    Args:
        engine: Whose sessions are used.
        codec: Of the engine's model.
        rank: Of all its sessions.
    """

    def __init__(self, engine: TokenEngine, codec: TokenCodec, rank: int) -> None:
        self._engine, self._codec, self._rank = engine, codec, rank
        self._calls: list[Call] = []
        self._sessions: set[Session] = set()
        self._busy: set[Session] = set()
        self._is_released = False

    def begin(self, prompt: str) -> Call:
        """A call whose session waits for its `new_ids`; to be ended by `finish` or `give_up`.

        Calls may overlap: a session that is busy is forked.
        """
        call = self._plan(prompt)
        if call.session in self._busy or len(call.session.ids) != call.base:
            old, new = call.session, self._engine.fork(call.session, call.base)
            self._sessions.add(new)
            call.session = new
            self._supersede(old, new)
        self._busy.add(call.session)
        self._calls.append(call)
        return call

    def finish(self, call: Call, text: str, ids: tuple[int, ...]) -> None:
        """Note the answer of a call that was begun."""
        call.text, call.ids = text, ids
        self._end(call)

    def give_up(self, call: Call) -> None:
        """Forget a call that was begun: it was cancelled or failed."""
        self._calls.remove(call)
        self._end(call)
        if all(other.session is not call.session for other in self._calls):
            self._drop(call.session)

    def note(self, prompt: str, text: str, ids: tuple[int, ...]) -> None:
        """Note a call that was answered without the engine."""
        call = self._plan(prompt)
        call.text, call.ids = text, ids
        self._calls.append(call)

    def release(self) -> None:
        """Release all sessions; those in use when their calls end."""
        self._is_released = True
        for session in self._sessions - self._busy:
            self._drop(session)

    def _end(self, call: Call) -> None:
        self._busy.discard(call.session)
        if self._is_released:
            self._drop(call.session)

    def _drop(self, session: Session) -> None:
        if session in self._sessions:
            self._sessions.discard(session)
            self._engine.release(session)

    def _supersede(self, old: Session, new: Session) -> None:
        """Release an idle session when the new one holds all that its calls need."""
        calls = [call for call in self._calls if call.session is old]
        if old not in self._busy and all(call.base <= len(new.ids) for call in calls):
            for call in calls:
                call.session = new
            self._drop(old)

    def _plan(self, prompt: str) -> Call:
        """The call for a prompt, going on from as much of an earlier one as can be."""
        origin = self._origin(prompt)
        if origin is None:
            session = self._engine.open(self._rank)
            self._sessions.add(session)
            return Call(prompt, session, 0, self._codec.encode(prompt))
        call = origin.call
        own = [*call.new_ids, *call.ids[: origin.num_ids]]
        held = call.session.ids[call.base : call.base + len(own)]
        num_held = len(held) if held == own[: len(held)] else _num_common(held, own)
        rest = prompt[len(call.prompt) + origin.num_characters :]
        return Call(prompt, call.session, call.base + num_held, [*own[num_held:], *self._codec.encode_more(rest)])

    def _origin(self, prompt: str) -> _Origin | None:
        """The call whose prompt and completion have most text in common with a prompt; None: it is a new beginning.

        It must share the whole earlier prompt and at least one token of the completion, or be the same prompt. A cut
        inside an earlier prompt would give other ids than encoding it whole.
        """
        shared: list[tuple[int, Call, str]] = []
        for call in self._calls:
            start = len(call.prompt)
            if prompt.startswith(call.prompt):
                common = _common(call.text, prompt, start)
                if common or start == len(prompt):
                    shared.append((-start - len(common), call, common))
        shared.sort(key=lambda found: (found[0], found[1].ids))  # equal texts: what came first must not matter
        for _, call, common in shared:
            num_ids = num_ids_within(common, call.ids, self._codec) if common else 0
            if num_ids or call.prompt == prompt:
                return _Origin(call, num_ids, len(self._codec.decode(call.ids[:num_ids])))
        return None


def _common(text: str, prompt: str, start: int) -> str:
    """As much of a text's beginning as stands in a prompt at `start`."""
    if prompt.startswith(text, start):
        return text
    lengths = range(1, len(text) + 1)
    return text[: bisect_left(lengths, True, key=lambda length: not prompt.startswith(text[:length], start))]


def _num_common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many elements two sequences have in common at their beginnings."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
