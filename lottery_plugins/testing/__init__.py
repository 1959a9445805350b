"""Fakes and contract suites, shipped for plugin authors.

`testing.contracts.<kind>` holds what every plugin of a kind has to keep; a plugin's test is an import and one call.
Needs the extra `testing` (hypothesis).
"""
