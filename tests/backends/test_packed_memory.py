"""The memory of a container counts, not that of its machine."""

import psutil
import pytest

from lottery_plugins.backends.packed.memory import available_bytes


@pytest.mark.parametrize(
    ("limit", "used", "expected"),
    [("max", "7", None), ("1000", "300", 700), ("1000", "3000", 0), (str(2**60), "0", None), ("1000", "", None)],
)
def test_a_control_groups_limit_counts_where_there_is_one(limit, used, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 5_000_000})())
    (tmp_path / "memory.max").write_text(limit + "\n")
    (tmp_path / "memory.current").write_text(used)
    assert available_bytes(str(tmp_path)) == (5_000_000 if expected is None else expected)
