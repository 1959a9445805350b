"""The contract of each plugin kind, one a file. A plugin satisfies it by shape; nothing must be inherited."""
