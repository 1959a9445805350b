"""The packed runner: all tokens of a step as one row of a transformers model, unchanged; attention per sequence."""
