"""Fakes, strategies and contract suites for plugin authors."""
