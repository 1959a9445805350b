"""Generators and scorers of the ability tasks that `task_yaml/` points at: seeded, pure, nothing downloaded."""
