"""The little language of the `logic` tool: tokens, a syntax tree, a parser, and the way back to text.

`language/page.md` documents it; a model's prompt can include that page. Nothing here knows a solver.
"""
