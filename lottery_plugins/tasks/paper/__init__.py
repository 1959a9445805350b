"""Tasks made of published rows: the paper's tables and their relatives, one kind of question a file."""
