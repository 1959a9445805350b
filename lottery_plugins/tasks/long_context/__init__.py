"""Ability 5, long-context reasoning: facts that are scattered over a long text must be joined, counted or computed."""
