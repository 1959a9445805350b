"""Ability 2: tools and knowledge that are not in the weights, a family a file."""
