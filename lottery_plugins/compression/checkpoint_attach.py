"""What `_lottery_autoload` calls when transformers has loaded its quantizers."""

from __future__ import annotations

import sys

__all__ = ["attach"]

_FORMAT = "lottery_plugins.compression.checkpoint_format"


def attach(module: object) -> None:
    """Make our checkpoints known to transformers."""
    if _FORMAT in sys.modules:
        return  # it is being imported, has loaded the quantizers for itself, and registers at its end
    from lottery_plugins.compression.checkpoint_format import register

    register()
