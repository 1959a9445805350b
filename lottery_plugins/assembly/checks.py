"""Whether the parts of a run go together: what its reasoner needs is there, and what is there is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lottery_plugins.errors import ConfigError
from lottery_plugins.specs import write_specs

if TYPE_CHECKING:
    from lottery_plugins.assembly.assembly import Assembly

__all__ = ["check_needs", "check_that_all_is_used"]


def check_needs(assembly: Assembly) -> None:
    """Refuse a run that lacks what its reasoner needs.

    Raises:
        ConfigError: With what to add.
    """
    offers = {
        "tools": bool(assembly.tools or assembly.tool_sets),
        "retriever": assembly.retriever is not None,
        "memory": assembly.memory is not None,
        "verifier": assembly.verifier is not None,
    }
    for need in assembly.reasoner.needs:
        if not offers[need]:
            raise ConfigError(
                f"reasoner={assembly.config.reasoner}",
                f"no {need}",
                f"a run with {need}, which this reasoner needs",
                f"Add {need}=NAME; see: lottery plugins list --kind {need.removesuffix('s')}",
            )


def check_that_all_is_used(assembly: Assembly) -> None:
    """Refuse a knowledge base, a placebo or a budget that nobody would use: the run would be taken for one that did.

    Raises:
        ConfigError: With what to do.
    """
    config = assembly.config
    if config.budget_of and not getattr(assembly.reasoner, "spends_budget", False):
        allowed = "a reasoner that spends it"
        hint = "Use reasoner=self-consistency:method=direct:samples=none, or leave budget_of out."
        raise ConfigError(f"budget_of with reasoner={config.reasoner}", config.budget_of, allowed, hint)
    searches = assembly.retriever.searches if assembly.retriever is not None else ""
    instead = {"prompt": "the problem's own context", "outside": "documents of its own"}
    if config.evidence == "shuffled" and searches in ("", "outside"):
        allowed = "'found' without a retriever whose documents can be drawn from"
        hint = "Add retriever=bm25 or retriever=prompt, or leave evidence out."
        raise ConfigError("evidence", config.evidence, allowed, hint)
    if config.knowledge_base and searches in instead:
        raise ConfigError(
            "knowledge_base",
            config.knowledge_base,
            f"none with retriever={write_specs(config.retriever)}, which searches {instead[searches]}",
            "Use retriever=bm25, or leave the knowledge base out.",
        )
