"""The only place where a run's configuration and the registry become running objects."""

from lottery_plugins.assembly.assembly import Assembly, assemble

__all__ = ["Assembly", "assemble"]
