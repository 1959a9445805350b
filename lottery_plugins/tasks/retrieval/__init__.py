"""Ability 1, retrieval from prompts: what the question asks for stands in a long prompt, among what it does not."""
