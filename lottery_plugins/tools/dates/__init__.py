"""Dates and times as people write them, and what can be computed of them. Pure functions; no clock is read."""
