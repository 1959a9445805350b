"""A file system that exists only while one problem is worked on: nothing of it is on a disk."""
