"""What a reasoner stands on: budgeted and recorded services, the runner, and the parsing of what models write.

Knows nothing of backends, of lm-eval, or of where a plugin came from.
"""
