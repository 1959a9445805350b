"""Verifiers: judge an answer without knowing the gold one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from lottery_plugins.protocols.backend import ReadsHiddenStates
from lottery_plugins.protocols.reasoner import Services
from lottery_plugins.trajectory import Problem

__all__ = ["BoundToModel", "HasCosts", "Judgement", "Verifier"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How good an answer looks.

    Attributes:
        score: In [0, 1]; higher is better. Comparable only among answers to one problem.
        accepted: Whether the verifier would let the answer pass.
        reason: One sentence for the transcript.
    """

    score: float
    accepted: bool
    reason: str = ""


@runtime_checkable
class Verifier(Protocol):
    """Judges answers. Options are dataclass fields; see `protocols.plugin`."""

    name: ClassVar[str]
    summary: ClassVar[str]

    async def verify(self, problem: Problem, answer: str, services: Services) -> Judgement:
        """Judge one answer; may generate through the services, on the problem's budget."""
        ...


@runtime_checkable
class BoundToModel(Verifier, Protocol):
    """A verifier that works with one model only, because it was trained on what that model computes."""

    async def check_model(self, hidden: ReadsHiddenStates) -> None:
        """Look at the model of this run. Called once, when it is loaded, before any problem is begun.

        Raises:
            ConfigError: It is not the model that the verifier was trained on.
        """
        ...


@runtime_checkable
class HasCosts(Verifier, Protocol):
    """A verifier that works with more than the services: with a model of its own, which no other count would show."""

    def costs(self) -> Mapping[str, Any]:
        """For the ledger, since the verifier was made: name of the model, weight_bytes, calls, tokens, seconds."""
        ...
