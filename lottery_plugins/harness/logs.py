"""Our log lines among lm-eval's, which has a handler for its own logger only."""

from __future__ import annotations

import logging

__all__ = ["join_lm_eval"]


def join_lm_eval() -> None:
    """Let what we log go where lm-eval's lines go, as detailed as they are; warnings always. Done once."""
    theirs, ours = logging.getLogger("lm_eval"), logging.getLogger("lottery_plugins")
    if not theirs.handlers:
        return
    for handler in theirs.handlers:
        if handler not in ours.handlers:
            ours.addHandler(handler)
    if ours.level == logging.NOTSET:
        ours.setLevel(min(theirs.getEffectiveLevel(), logging.WARNING))
