"""Logic-LM's first-order programs (FOLIO), written for Prover9.

Premises:
∀x (Drinks(x) → Dependent(x)) ::: All who drink coffee depend on it.
Conclusion:
Drinks(rina) ⊕ Jokes(rina)
"""

from __future__ import annotations

from lottery_logic.formats.sections import sections
from lottery_logic.language.errors import NOWHERE, ProgramError
from lottery_logic.language.formulas import read_formula
from lottery_logic.language.tree import Ask, Assert, Program

__all__ = ["read_first_order"]


def read_first_order(text: str) -> Program:
    """Read a program with one conclusion.

    Raises:
        ProgramError: A section is missing, a formula can't be read, or there is not exactly one conclusion.
    """
    found = sections(text, ("Predicates", "Premises", "Conclusion"), ("Premises", "Conclusion"))
    premises = [Assert(read_formula(content, place.line), place) for content, place in found["Premises"]]
    conclusions = [Ask(read_formula(content, place.line), place) for content, place in found["Conclusion"]]
    if len(conclusions) != 1:
        raise ProgramError(NOWHERE, f"there are {len(conclusions)} conclusions, not one", "Write one formula there.")
    return Program("constraints", (*premises, *conclusions))
