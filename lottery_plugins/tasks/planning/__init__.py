"""Ability 3: plans that are checked by carrying them out, a family a file."""
