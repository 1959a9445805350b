"""Build hook: what a wheel carries besides the package, and what an editable install needs besides the path to it.

The `.pth` that lets stock lm-eval find us lies in site-packages in both. Its module, `_lottery_autoload.py`, lies
beside it in a wheel; an editable install finds it, like the package, in the working tree.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PTH = "lottery_plugins_autoload.pth"


class AutoloadHook(BuildHookInterface):
    """Adds the files of the automatic loading, and the task folder, to what is installed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a wheel is written; `version` is "standard" or "editable"."""
        if self.target_name != "wheel":
            return
        if version == "editable":
            build_data["force_include_editable"][PTH] = PTH
            return
        build_data["force_include"][PTH] = PTH
        build_data["force_include"]["_lottery_autoload.py"] = "_lottery_autoload.py"
        if (Path(self.root) / "task_yaml").is_dir():
            build_data["force_include"]["task_yaml"] = "lottery_plugins/task_yaml"
