"""Readers of the formats in which Logic-LM's models wrote their programs; each gives our syntax tree.

They forgive what is plain (spacing, other signs for "not", a rule among the facts) and refuse the rest: nothing is
left out of a program and nothing is guessed.
"""
