"""Quantities as people write them, and pint's definitions of their units. Importing loads no pint."""
