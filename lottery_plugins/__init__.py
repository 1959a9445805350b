"""Evaluate compressed language models with reasoning, retrieval, tools and memory, inside lm-evaluation-harness.

Importing this package loads neither torch nor transformers nor lm_eval.
"""

from lottery_plugins.hookspecs import hookimpl
from lottery_plugins.protocols.plugin import option

__all__ = ["hookimpl", "option"]
