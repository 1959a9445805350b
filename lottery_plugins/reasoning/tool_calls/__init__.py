"""Read tool calls, or the final answer, out of what a model really writes.

One parser for all habits, a file for each family of them: calls behind a marker (`<tool_call>`, `<|python_tag|>`,
`[TOOL_CALLS]`, `<function=name>`, ...), ReAct lines, JSON function calls, Python-like calls. Any text is allowed and
none raises. Nothing is ever evaluated: JSON is decoded, Python is read from its syntax tree, literals only.
"""

from lottery_plugins.reasoning.tool_calls.found import FoundCall
from lottery_plugins.reasoning.tool_calls.parse import Reply, parse_reply, parse_tool_call, parse_tool_calls

__all__ = ["FoundCall", "Reply", "parse_reply", "parse_tool_call", "parse_tool_calls"]
