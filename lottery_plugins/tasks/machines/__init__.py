"""Ability 4: small machines and the interpreters that run them, a family a file."""
