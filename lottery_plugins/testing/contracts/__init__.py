"""One contract suite per plugin kind."""
