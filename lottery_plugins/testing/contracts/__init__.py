"""One contract suite per kind of plugin."""
