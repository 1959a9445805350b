"""The inference core: requests of many trajectories in, completions out, nothing finished lost."""
